const SERIES = 5;

/** The colour of the series at *index*; the same series keeps it on every page. */
export function colourOf(index: number): string {
  return index < SERIES ? `var(--series-${index + 1})` : "var(--series-other)";
}

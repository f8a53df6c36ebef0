export interface Entry {
  key: string;
  name: string;
  value: number;
}

export interface Ranked extends Entry {
  /** Its part of the sum of all, and of the largest. */
  share: number;
  length: number;
}

export interface Ranking {
  rows: Ranked[];
  /** What was left out, told and never dropped in silence; null if nothing was. */
  others: { count: number; value: number; share: number } | null;
}

/** The largest *top* entries, and the rest as one. */
export function ranking(entries: Entry[], top = 10): Ranking {
  const sorted = entries.filter((entry) => entry.value > 0).sort((a, b) => b.value - a.value);
  const sum = sorted.reduce((total, entry) => total + entry.value, 0);
  const largest = sorted[0]?.value ?? 0;
  const rest = sorted.slice(top);
  const restValue = rest.reduce((total, entry) => total + entry.value, 0);
  return {
    rows: sorted.slice(0, top).map((entry) => ({
      ...entry,
      share: entry.value / sum,
      length: entry.value / largest,
    })),
    others: rest.length ? { count: rest.length, value: restValue, share: restValue / sum } : null,
  };
}

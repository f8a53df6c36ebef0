const exact = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compactForm = new Intl.NumberFormat("en", {
  notation: "compact",
  maximumFractionDigits: 1,
});
const COMPACT_FROM = 100_000;

/** A count with its groups: `12,345`; "unknown" when nobody counted. */
export function count(value: number | null | undefined): string {
  return value == null ? "unknown" : exact.format(value);
}

/** A count for tiles and axes: grouped below 100,000, then `123K`, `4.2M`. */
export function compact(value: number | null | undefined): string {
  if (value == null) return "unknown";
  return Math.abs(value) < COMPACT_FROM ? exact.format(value) : compactForm.format(value);
}

/** `1 call`, `12 calls`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${exact.format(value)} ${value === 1 ? one : many}`;
}

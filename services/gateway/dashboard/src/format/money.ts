import { counted } from "./count";

const total = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });
const small = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 4,
  maximumFractionDigits: 4,
});
const perMillion = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 2,
  maximumFractionDigits: 4,
});
const exact = new Intl.NumberFormat("en", {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 2,
  maximumFractionDigits: 12,
});
const SMALLEST = 0.0001;
const CENT = 0.01;

/** Dollars: `$1,234.56`, `$0.0031` below a cent, `< $0.0001`; null is "Not priced". */
export function money(dollars: number | null | undefined): string {
  if (dollars == null) return "Not priced";
  if (dollars === 0 || dollars >= CENT) return total.format(dollars);
  return dollars < SMALLEST ? "<\u00a0$0.0001" : small.format(dollars);
}

/** Dollars beside a line of a chart, which are round already: `$50.00`, `$0.000002`. */
export function moneyMark(dollars: number): string {
  return exact.format(dollars);
}

/** What a sum leaves out: `3 calls without a price`; nothing if it leaves out none. */
export function unpriced(calls: number): string {
  return calls === 0 ? "" : `${counted(calls, "call")} without a price`;
}

/** A sum and what it leaves out, in a line: `$12.40 + 3 calls without a price`. */
export function cost(dollars: number | null, unpricedCalls: number): string {
  if (dollars === null) return unpriced(unpricedCalls) || "Nothing spent";
  return [money(dollars), unpriced(unpricedCalls)].filter(Boolean).join(" + ");
}

/** A sum for a tile: `$0.00` only where nothing was used, and a dash where nothing used has
 *  a price. */
export function spent(of: { cost_usd: number | null; unpriced_calls: number }): string {
  return of.cost_usd === null && of.unpriced_calls > 0 ? "–" : money(of.cost_usd ?? 0);
}

/** Dollars per 1 M tokens, as price lists give them: `$0.15`. */
export function pricePerMillion(dollars: number | null | undefined): string {
  return dollars == null ? "unknown" : perMillion.format(dollars);
}

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
const SMALLEST = 0.0001;
const CENT = 0.01;

/** Dollars: `$1,234.56`, `$0.0031` below a cent, `< $0.0001`; null is "Not priced". */
export function money(dollars: number | null | undefined): string {
  if (dollars == null) return "Not priced";
  if (dollars === 0 || dollars >= CENT) return total.format(dollars);
  return dollars < SMALLEST ? "< $0.0001" : small.format(dollars);
}

/** A sum with what it leaves out: `$12.40 + 3 calls without a price`. */
export function cost(dollars: number | null, unpricedCalls: number): string {
  if (unpricedCalls === 0) return dollars === null ? "Nothing spent" : money(dollars);
  const rest = `${unpricedCalls} ${unpricedCalls === 1 ? "call" : "calls"} without a price`;
  return dollars === null ? rest : `${money(dollars)} + ${rest}`;
}

/** Dollars per 1 M tokens, as price lists give them: `$0.15`. */
export function pricePerMillion(dollars: number | null | undefined): string {
  return dollars == null ? "unknown" : perMillion.format(dollars);
}

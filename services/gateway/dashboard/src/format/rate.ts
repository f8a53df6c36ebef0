import { count } from "./count";

const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

/** A share of one, `1.2 %`; null when there is nothing to divide by. */
export function rate(part: number, whole: number): string {
  return whole === 0 ? "–" : percent.format(part / whole).replace("%", " %");
}

/** A share with its counts beside it: `1.2 % (14 of 1,180)`. */
export function rateOf(part: number, whole: number): string {
  return whole === 0 ? "none yet" : `${rate(part, whole)} (${count(part)} of ${count(whole)})`;
}

/** The change against an earlier figure: `+8 %`; null where there was none. */
export function change(now: number, before: number): string | null {
  if (before === 0) return null;
  const share = Math.round(((now - before) / before) * 100);
  return `${share > 0 ? "+" : ""}${share} %`;
}

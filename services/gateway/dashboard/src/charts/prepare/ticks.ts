const STEPS = [1, 2, 2.5, 5, 10];

/** Round values from 0 to at least *highest*, about *wanted* of them. */
export function ticks(highest: number, wanted = 4): number[] {
  if (!(highest > 0)) return [0, 1];
  const rough = highest / wanted;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const factor = STEPS.find((step) => step * magnitude >= rough) ?? 10;
  const step = factor * magnitude;
  const last = Math.ceil(highest / step - 1e-9);
  return Array.from({ length: last + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

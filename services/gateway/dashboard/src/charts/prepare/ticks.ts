const STEPS = [1, 2, 5, 10];
// A quarter of a hundred is a round number; of a ten, a figure that rounding would bend.
const LARGE_STEPS = [1, 2, 2.5, 5, 10];

/** Round marks from 0 to at least the highest of *values*, about *wanted* of them: whole
 *  ones for what is counted in whole ones. */
export function ticks(values: number[], wanted = 4): number[] {
  const highest = Math.max(0, ...values);
  if (highest === 0) return [0, 1];
  const least = values.every(Number.isInteger) ? 1 : 0;
  const step = Math.max(least, roundUp(highest / wanted));
  const last = Math.ceil(highest / step - 1e-9);
  return Array.from({ length: last + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

function roundUp(rough: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const steps = magnitude < 10 ? STEPS : LARGE_STEPS;
  return (steps.find((step) => step * magnitude >= rough) ?? 10) * magnitude;
}

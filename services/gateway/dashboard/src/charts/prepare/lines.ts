import type { Series } from "./columns";
import { ticks } from "./ticks";

export interface Point {
  bucket: number;
  value: number;
  /** Shares of the chart's width and height, from its lower left. */
  x: number;
  y: number;
}

export interface LineChart {
  /** For each series, runs of neighbouring known buckets; between runs is a gap. */
  lines: Point[][][];
  ticks: number[];
}

/** Place each known value; straight between neighbours, nothing across a gap. */
export function lines(series: Series[]): LineChart {
  const values = series.flatMap((each) => each.values.filter((value) => value != null));
  const marks = ticks(values);
  const highest = marks.at(-1) ?? 1;
  return { lines: series.map((each) => runs(each.values, highest)), ticks: marks };
}

function runs(values: (number | null)[], highest: number): Point[][] {
  const found: Point[][] = [];
  let open: Point[] | null = null;
  values.forEach((value, bucket) => {
    if (value === null) {
      open = null;
      return;
    }
    if (open === null) {
      open = [];
      found.push(open);
    }
    open.push({ bucket, value, x: (bucket + 0.5) / values.length, y: value / highest });
  });
  return found;
}

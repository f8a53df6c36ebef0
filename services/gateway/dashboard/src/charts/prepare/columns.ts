import { ticks } from "./ticks";

export interface Series {
  name: string;
  /** A value a bucket; null where nothing is known, which is a gap and not a 0. */
  values: (number | null)[];
}

interface Part {
  series: number;
  value: number;
  /** Shares of the chart's height: where the part begins, and how tall it is. */
  from: number;
  height: number;
}

export interface Column {
  bucket: number;
  parts: Part[];
  total: number | null;
}

export interface ColumnChart {
  columns: Column[];
  ticks: number[];
  highest: number;
}

/** Stack series bucket by bucket, in their order, from the zero line up. */
export function columns(series: Series[]): ColumnChart {
  const buckets = Math.max(0, ...series.map((each) => each.values.length));
  const totals = Array.from({ length: buckets }, (_, bucket) => total(series, bucket));
  const marks = ticks(totals.map((each) => each ?? 0));
  const highest = marks.at(-1) ?? 1;
  return {
    columns: totals.map((sum, bucket) => ({
      bucket,
      total: sum,
      parts: stacked(series, bucket, highest),
    })),
    ticks: marks,
    highest,
  };
}

function total(series: Series[], bucket: number): number | null {
  const known = series.map((each) => each.values[bucket]).filter((value) => value != null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

function stacked(series: Series[], bucket: number, highest: number): Part[] {
  let from = 0;
  return series.flatMap((each, index) => {
    const value = each.values[bucket];
    if (value == null || value === 0) return [];
    const part = { series: index, value, from, height: value / highest };
    from += part.height;
    return [part];
  });
}

import { useState } from "react";
import styles from "./Chart.module.css";
import { colourOf } from "./colours";
import { Figure } from "./Figure";
import { Grid, HEIGHT, WIDTH } from "./Grid";
import { type Column, columns, type Series } from "./prepare/columns";
import { useCursor } from "./useCursor";

interface ColumnsProps {
  title: string;
  /** The name of each bucket, in order: "14:00". */
  buckets: string[];
  series: Series[];
  format: (value: number) => string;
  /** The last bucket still fills: it is drawn pale, and told as "so far". */
  isLastOpen?: boolean;
  colours?: string[];
}

const BASE = 0.82;

/** Columns from the zero line, stacked by series: more traffic, more spending? */
export function Columns({
  title,
  buckets,
  series,
  format,
  isLastOpen = false,
  colours,
}: ColumnsProps) {
  const chart = columns(series);
  const [at, setAt] = useState<number | null>(null);
  const cursor = useCursor(buckets.length, at, setAt);
  const width = WIDTH / Math.max(1, buckets.length);
  const colour = (index: number) => colours?.[index] ?? colourOf(index);
  const isOpen = (bucket: number) => isLastOpen && bucket === buckets.length - 1;

  return (
    <Figure
      title={title}
      legend={series.map((each, index) => ({
        name: each.name,
        colour: colour(index),
        total: format(sum(each)),
      }))}
      readout={at === null ? "" : told(buckets[at] ?? "", chart.columns[at], isOpen(at))}
      table={{
        head: ["Time", ...series.map((each) => each.name)],
        rows: buckets.map((name, bucket) => [
          name,
          ...series.map((each) => shown(each.values[bucket])),
        ]),
      }}
    >
      <svg
        className={styles.chart}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}; left and right arrows read the values`}
        {...cursor}
      >
        <Grid ticks={chart.ticks} />
        {chart.columns.map((column) => (
          <g key={buckets[column.bucket]} opacity={isOpen(column.bucket) ? 0.5 : 1}>
            {column.parts.map((part) => (
              <rect
                key={part.series}
                x={column.bucket * width + (width * (1 - BASE)) / 2}
                width={width * BASE}
                y={HEIGHT * (1 - part.from - part.height)}
                height={Math.max(HEIGHT * part.height - 0.6, 0.6)}
                fill={colour(part.series)}
              />
            ))}
            {column.total === null && (
              <rect
                x={column.bucket * width}
                width={width}
                y={0}
                height={HEIGHT}
                className={styles.gap}
              />
            )}
          </g>
        ))}
        {at !== null && (
          <rect x={at * width} width={width} y={0} height={HEIGHT} className={styles.cursor} />
        )}
      </svg>
      <Axis ticks={chart.ticks} buckets={buckets} format={format} />
    </Figure>
  );

  function shown(value: number | null | undefined) {
    return value == null ? "unknown" : format(value);
  }

  function told(name: string, column: Column | undefined, isFilling: boolean) {
    const parts = series.map((each) => `${each.name} ${shown(each.values[column?.bucket ?? -1])}`);
    return `${name}${isFilling ? ", so far" : ""}: ${parts.join(", ")}`;
  }
}

function sum(series: Series): number {
  return series.values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

interface AxisProps {
  ticks: number[];
  buckets: string[];
  format: (value: number) => string;
}

/** The words at the edges: they are text, so that they are read and never stretched. */
export function Axis({ ticks, buckets, format }: AxisProps) {
  const middle = buckets[Math.floor(buckets.length / 2)];
  return (
    <div className={styles.axis} aria-hidden="true">
      <span>{buckets[0]}</span>
      {buckets.length > 2 && <span>{middle}</span>}
      {buckets.length > 1 && <span>{buckets.at(-1)}</span>}
      <span className={styles.highest}>top line {format(ticks.at(-1) ?? 0)}</span>
    </div>
  );
}

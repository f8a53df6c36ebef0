import { useState } from "react";
import styles from "./Chart.module.css";
import { Axis } from "./Columns";
import { colourOf } from "./colours";
import { Figure } from "./Figure";
import { Grid, HEIGHT, WIDTH } from "./Grid";
import type { Series } from "./prepare/columns";
import { lines, type Point } from "./prepare/lines";
import { useCursor } from "./useCursor";

interface LinesProps {
  title: string;
  buckets: string[];
  series: Series[];
  format: (value: number) => string;
}

/** Straight lines between known values, a gap where nothing is known: slow, and since when? */
export function Lines({ title, buckets, series, format }: LinesProps) {
  const chart = lines(series);
  const [at, setAt] = useState<number | null>(null);
  const cursor = useCursor(buckets.length, at, setAt);
  return (
    <Figure
      title={title}
      legend={series.map((each, index) => ({
        name: each.name,
        colour: colourOf(index),
        total: shown(each.values.findLast((value) => value !== null)),
      }))}
      readout={
        at === null
          ? ""
          : `${buckets[at]}: ${series.map((each) => `${each.name} ${shown(each.values[at])}`).join(", ")}`
      }
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
        {chart.lines.map((runs, index) =>
          runs.map((run) => (
            <path
              key={`${series[index]?.name} ${run[0]?.bucket}`}
              d={path(run)}
              stroke={colourOf(index)}
              strokeLinecap="round"
              className={run.length === 1 ? styles.point : styles.line}
            />
          )),
        )}
        {at !== null && (
          <rect
            x={(at * WIDTH) / buckets.length}
            width={WIDTH / buckets.length}
            y={0}
            height={HEIGHT}
            className={styles.cursor}
          />
        )}
      </svg>
      <Axis ticks={chart.ticks} buckets={buckets} format={format} />
    </Figure>
  );

  function shown(value: number | null | undefined) {
    return value == null ? "unknown" : format(value);
  }
}

/** A lone value is drawn as a point: a line of no length with a round end. */
function path(run: Point[]): string {
  const places = run.map((point) => `${point.x * WIDTH} ${HEIGHT * (1 - point.y)}`);
  return `M${places.length === 1 ? `${places[0]}L${places[0]}` : places.join("L")}`;
}

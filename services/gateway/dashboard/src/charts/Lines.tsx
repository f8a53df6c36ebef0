import { useState } from "react";
import styles from "./Chart.module.css";
import { colourOf } from "./colours";
import { Figure } from "./Figure";
import { HEIGHT, Plot, WIDTH } from "./Plot";
import type { Series } from "./prepare/columns";
import { lines, type Point } from "./prepare/lines";

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
  return (
    <Figure
      title={title}
      isEmpty={chart.lines.every((runs) => runs.length === 0)}
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
      <Plot
        title={title}
        ticks={chart.ticks}
        buckets={buckets}
        format={format}
        at={at}
        onPoint={setAt}
      >
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
      </Plot>
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

import { useState } from "react";
import styles from "./Chart.module.css";
import { colourOf } from "./colours";
import { Figure } from "./Figure";
import { HEIGHT, Plot, WIDTH } from "./Plot";
import { type Column, columns, type Series } from "./prepare/columns";

interface ColumnsProps {
  title: string;
  /** The name of each bucket, in order: "14:00". */
  buckets: string[];
  series: Series[];
  format: (value: number) => string;
  /** How the lines of the chart are told, if not as what is drawn. */
  formatMark?: (value: number) => string;
  /** The last bucket still fills: it is drawn pale, and told as "so far". */
  isLastOpen?: boolean;
  colours?: string[];
  /** What is said where nothing can be drawn. */
  none?: string;
}

const BASE = 0.82;

/** Columns from the zero line, stacked by series: more traffic, more spending? */
export function Columns(props: ColumnsProps) {
  const { title, buckets, series, format, isLastOpen = false, colours, none } = props;
  const chart = columns(series);
  const [at, setAt] = useState<number | null>(null);
  const colour = (index: number) => colours?.[index] ?? colourOf(index);
  const isOpen = (bucket: number) => isLastOpen && bucket === buckets.length - 1;

  return (
    <Figure
      title={title}
      none={none}
      isEmpty={chart.columns.every((column) => !column.total)}
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
      <Plot
        title={title}
        ticks={chart.ticks}
        buckets={buckets}
        format={props.formatMark ?? format}
        at={at}
        onPoint={setAt}
      >
        {chart.columns.map((column) => (
          <Stack
            key={column.bucket}
            column={column}
            width={WIDTH / buckets.length}
            colour={colour}
            isOpen={isOpen(column.bucket)}
          />
        ))}
      </Plot>
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

interface StackProps {
  column: Column;
  width: number;
  colour: (series: number) => string;
  isOpen: boolean;
}

function Stack({ column, width, colour, isOpen }: StackProps) {
  const left = column.bucket * width;
  if (column.total === null) {
    return <rect x={left} width={width} y={0} height={HEIGHT} className={styles.gap} />;
  }
  return (
    <g opacity={isOpen ? 0.5 : 1}>
      {column.parts.map((part) => (
        <rect
          key={part.series}
          x={left + (width * (1 - BASE)) / 2}
          width={width * BASE}
          y={HEIGHT * (1 - part.from - part.height)}
          height={Math.max(HEIGHT * part.height - 0.6, 0.6)}
          fill={colour(part.series)}
        />
      ))}
    </g>
  );
}

function sum(series: Series): number {
  return series.values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

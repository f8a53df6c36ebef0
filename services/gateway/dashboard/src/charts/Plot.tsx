import type { KeyboardEvent, PointerEvent, ReactNode } from "react";
import styles from "./Chart.module.css";
import { namedBuckets } from "./prepare/axis";

export const WIDTH = 600;
export const HEIGHT = 160;

interface PlotProps {
  title: string;
  ticks: number[];
  /** The name of each bucket, in order: "14:00". */
  buckets: string[];
  format: (value: number) => string;
  /** The bucket that is pointed at. */
  at: number | null;
  onPoint: (bucket: number | null) => void;
  children: ReactNode;
}

/** Where a chart is drawn, its values to the left and its times beneath. Words are text
 *  beside the drawing, so that they are read and never stretched. */
export function Plot({ title, ticks, buckets, format, at, onPoint, children }: PlotProps) {
  return (
    <div className={styles.plot}>
      <div className={styles.values} aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick}>{format(tick)}</span>
        ))}
      </div>
      <svg
        className={styles.chart}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}; left and right arrows read the values`}
        {...pointing(buckets.length, at, onPoint)}
      >
        <Grid ticks={ticks} />
        {children}
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
      <div className={styles.times} aria-hidden="true">
        {namedBuckets(buckets).map(({ name, share }) => (
          <span key={name + share} style={{ insetInlineStart: `${share * 100}%` }}>
            {name}
          </span>
        ))}
      </div>
    </div>
  );
}

/** A line for each round value; the zero line is stronger. */
function Grid({ ticks }: { ticks: number[] }) {
  const highest = ticks.at(-1) ?? 1;
  return (
    <g>
      {ticks.map((tick) => (
        <line
          key={tick}
          x1={0}
          x2={WIDTH}
          y1={HEIGHT * (1 - tick / highest)}
          y2={HEIGHT * (1 - tick / highest)}
          className={tick === 0 ? styles.zero : styles.grid}
        />
      ))}
    </g>
  );
}

/** Which bucket is pointed at: by pointer, or by the arrow keys once focused. */
function pointing(buckets: number, at: number | null, onPoint: (bucket: number | null) => void) {
  const within = (bucket: number) => Math.min(Math.max(bucket, 0), buckets - 1);
  return {
    tabIndex: 0,
    onPointerMove(event: PointerEvent<SVGSVGElement>) {
      const box = event.currentTarget.getBoundingClientRect();
      onPoint(within(Math.floor(((event.clientX - box.left) / box.width) * buckets)));
    },
    onPointerLeave: () => onPoint(null),
    onBlur: () => onPoint(null),
    onKeyDown(event: KeyboardEvent) {
      if (event.key === "ArrowLeft") onPoint(within((at ?? buckets) - 1));
      else if (event.key === "ArrowRight") onPoint(within((at ?? -1) + 1));
      else if (event.key === "Escape") onPoint(null);
      else return;
      event.preventDefault();
    },
  };
}

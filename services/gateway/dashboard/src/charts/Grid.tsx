import styles from "./Chart.module.css";

export const WIDTH = 600;
export const HEIGHT = 160;

/** A line for each round value; the zero line is stronger. */
export function Grid({ ticks }: { ticks: number[] }) {
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

import type { ReactNode } from "react";
import { rate } from "~/format/rate";
import styles from "./Chart.module.css";
import { type Entry, type Ranked, ranking } from "./prepare/ranking";

interface BarListProps {
  label: string;
  entries: Entry[];
  format: (value: number) => string;
  top?: number;
  /** How an entry is named, when it is more than text: a link to its page. */
  nameOf?: (entry: Ranked) => ReactNode;
}

/** Who takes most, sorted; what is left out is told. */
export function BarList({ label, entries, format, top = 10, nameOf }: BarListProps) {
  const { rows, others } = ranking(entries, top);
  return (
    <ol className={styles.bars} aria-label={label}>
      {rows.map((row) => (
        <li key={row.key} className={styles.bar}>
          <span className={styles.barName}>{nameOf?.(row) ?? row.name}</span>
          <span>
            {format(row.value)} <span className={styles.share}>{rate(row.share, 1)}</span>
          </span>
          <svg
            className={styles.track}
            viewBox="0 0 100 6"
            preserveAspectRatio="none"
            aria-hidden="true"
          >
            <rect width={row.length * 100} height="6" fill="var(--series-1)" />
          </svg>
        </li>
      ))}
      {others && (
        <li className={styles.bar}>
          <span className={styles.share}>{others.count} others</span>
          <span className={styles.share}>
            {format(others.value)} {rate(others.share, 1)}
          </span>
        </li>
      )}
    </ol>
  );
}

import { type ReactNode, useId } from "react";
import styles from "./Figure.module.css";

interface LegendEntry {
  name: string;
  colour: string;
  total: string;
}

interface FigureProps {
  /** What is drawn and in which unit, once: "Tokens per hour". */
  title: string;
  legend?: LegendEntry[];
  /** What the pointed-at bucket holds, in words. */
  readout: string;
  /** Nothing at all happened: said in words where the drawing would be. */
  isEmpty: boolean;
  none?: string | undefined;
  /** The same figures as a table, for whoever cannot see the drawing. */
  table: { head: string[]; rows: string[][] };
  children: ReactNode;
}

/** A chart with its title, legend and readout, and its figures as a table. */
export function Figure(props: FigureProps) {
  const { title, legend = [], readout, isEmpty, none, table, children } = props;
  const id = useId();
  return (
    <figure className={styles.figure} aria-labelledby={id}>
      <figcaption className={styles.caption}>
        <span id={id} className={styles.title}>
          {title}
        </span>
        <span className={styles.readout} role="status">
          {readout}
        </span>
      </figcaption>
      {isEmpty ? <p className={styles.none}>{none ?? "Nothing in this period"}</p> : children}
      {legend.length > 1 && (
        <ul className={styles.legend}>
          {legend.map((entry) => (
            <li key={entry.name} className={styles.entry}>
              <svg viewBox="0 0 10 10" className={styles.swatch} aria-hidden="true">
                <rect width="10" height="10" rx="2" fill={entry.colour} />
              </svg>
              {entry.name}
              <span className={styles.total}>{entry.total}</span>
            </li>
          ))}
        </ul>
      )}
      <details className={styles.details}>
        <summary>Show as a table</summary>
        <div className={styles.scroll}>
          <table aria-labelledby={id}>
            <thead>
              <tr>
                {table.head.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row) => (
                <tr key={row[0]}>
                  {row.map((cell, at) => (
                    <td key={table.head[at]}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

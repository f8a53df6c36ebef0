import type { ReactNode } from "react";
import styles from "./Tiles.module.css";

export interface Tile {
  name: string;
  figure: ReactNode;
  /** What the figure covers or leaves out: the change, the counts, the rest. */
  note?: ReactNode;
}

/** The few figures that answer a page's question. */
export function Tiles({ tiles }: { tiles: Tile[] }) {
  return (
    <dl className={styles.tiles}>
      {tiles.map((tile) => (
        <div key={tile.name} className={styles.tile}>
          <dt className={styles.name}>{tile.name}</dt>
          <dd className={styles.figure}>{tile.figure}</dd>
          {tile.note && <dd className={styles.note}>{tile.note}</dd>}
        </div>
      ))}
    </dl>
  );
}

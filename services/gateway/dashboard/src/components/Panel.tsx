import { type ReactNode, useId } from "react";
import { classes } from "./classes";
import styles from "./Panel.module.css";

interface PanelProps {
  title?: string;
  /** What the panel's numbers cover, or another short fact beside its title. */
  note?: ReactNode | undefined;
  action?: ReactNode;
  isFlush?: boolean;
  children: ReactNode;
}

/** A bordered part of a page; *isFlush* lets a table reach its edges. */
export function Panel({ title, note, action, isFlush = false, children }: PanelProps) {
  const id = useId();
  return (
    <section className={styles.panel} aria-labelledby={title ? id : undefined}>
      {title && (
        <header className={styles.header}>
          <h2 id={id}>{title}</h2>
          {note && <span className={styles.note}>{note}</span>}
          {action && <span className={styles.action}>{action}</span>}
        </header>
      )}
      <div className={classes(styles.body, isFlush && styles.flush)}>{children}</div>
    </section>
  );
}

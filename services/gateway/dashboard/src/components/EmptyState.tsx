import type { ReactNode } from "react";
import styles from "./EmptyState.module.css";

interface EmptyStateProps {
  title: string;
  action?: ReactNode;
  children?: ReactNode;
}

/** Nothing here: what this is, and one thing to do. Say which of the three it is:
 *  never had any, nothing matches the filter, or nothing is wrong. */
export function EmptyState({ title, action, children }: EmptyStateProps) {
  return (
    <div className={styles.empty}>
      <p className={styles.title}>{title}</p>
      {children && <div className={styles.text}>{children}</div>}
      {action}
    </div>
  );
}

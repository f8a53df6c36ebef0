import styles from "./Skeleton.module.css";

/** Grey lines in the place of what is being loaded; shown only once waiting is felt. */
export function Skeleton({ lines = 4, label }: { lines?: number; label: string }) {
  return (
    <div className={styles.skeleton} role="status" aria-label={`Loading ${label}`}>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike
        <span key={line} className={styles.line} />
      ))}
    </div>
  );
}

import styles from "./Chart.module.css";

interface MeterProps {
  label: string;
  used: number;
  limit: number;
  /** The whole of it in words: "12 of 60 left this minute". */
  words: string;
}

const NEAR = 0.8;

/** How near a limit is, with the words that say it. */
export function Meter({ label, used, limit, words }: MeterProps) {
  const share = limit > 0 ? Math.min(used / limit, 1) : 1;
  const colour =
    share >= 1 ? "var(--bad-fill)" : share >= NEAR ? "var(--series-2)" : "var(--series-1)";
  return (
    <div className={styles.meter}>
      <span>
        {label} <span className={styles.share}>{words}</span>
      </span>
      <svg
        className={styles.track}
        viewBox="0 0 100 6"
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <rect width={share * 100} height="6" fill={colour} />
      </svg>
    </div>
  );
}

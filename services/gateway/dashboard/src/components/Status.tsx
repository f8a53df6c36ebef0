import styles from "./Status.module.css";

export type Tone = "ok" | "busy" | "off" | "warning" | "bad";

interface StatusProps {
  tone: Tone;
  /** The word itself; colour and shape only repeat it. */
  word: string;
  /** Why, and since when, for everything that is not simply well. */
  reason?: string | undefined;
}

/** Shape, word and reason: a status is never told by colour alone. */
export function Status({ tone, word, reason }: StatusProps) {
  return (
    <span className={styles.status}>
      <span className={styles.line} data-tone={tone}>
        <StatusShape tone={tone} />
        {word}
      </span>
      {reason && <span className={styles.reason}>{reason}</span>}
    </span>
  );
}

/** The same in a line, beside other facts. */
export function StatusLine({ tone, word, reason }: StatusProps) {
  return (
    <>
      <Status tone={tone} word={word} />
      {reason && <span>{reason}</span>}
    </>
  );
}

/** The shape alone, for where the word stands beside it already. */
export function StatusShape({ tone }: { tone: Tone }) {
  return (
    <svg viewBox="0 0 12 12" className={styles.shape} data-tone={tone} aria-hidden="true">
      {SHAPES[tone]}
    </svg>
  );
}

const SHAPES: Record<Tone, React.ReactNode> = {
  ok: <circle cx="6" cy="6" r="4.5" fill="currentColor" />,
  busy: (
    <>
      <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M6 2a4 4 0 0 0 0 8z" fill="currentColor" />
    </>
  ),
  off: <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  warning: <path d="M6 1 11.5 10.5H.5z" fill="currentColor" />,
  bad: <rect x="1.5" y="1.5" width="9" height="9" fill="currentColor" />,
};

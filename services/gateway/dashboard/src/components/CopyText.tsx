import { useState } from "react";
import { Button } from "./Button";
import styles from "./CopyText.module.css";

/** Text to take along: shown whole, copied by one press, which says that it did. */
export function CopyText({ text, label }: { text: string; label: string }) {
  const [said, setSaid] = useState("");
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("Press Ctrl+C to copy");
    }
  }
  return (
    <div className={styles.copy}>
      <pre className={styles.text}>{text}</pre>
      <Button onClick={copy} aria-label={`Copy ${label}`}>
        Copy
      </Button>
      <span role="status" className={styles.said}>
        {said}
      </span>
    </div>
  );
}

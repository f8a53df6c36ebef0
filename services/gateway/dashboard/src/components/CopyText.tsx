import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import styles from "./CopyText.module.css";
import { classes } from "./classes";

const SAID_MS = 2_000;

/** Text to take along: a line is shown whole, code as it is; copied by one press, which says that it did. */
export function CopyText({ text, label }: { text: string; label: string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(""), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);

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
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no pointer must scroll too */}
      <pre className={classes(styles.text, !text.includes("\n") && styles.line)} tabIndex={0}>
        {text}
      </pre>
      <button type="button" className={styles.button} onClick={copy} aria-label={`Copy ${label}`}>
        {said === "Copied" ? (
          <Check size={14} aria-hidden="true" />
        ) : (
          <Copy size={14} aria-hidden="true" />
        )}
        <span role="status">{said || "Copy"}</span>
      </button>
    </div>
  );
}

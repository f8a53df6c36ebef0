import type { ReactNode } from "react";
import styles from "./ExplanationNotice.module.css";
import { Notice } from "./Notice";

/** A failure as the API explains it (`Explanation`), with where it can be mended. */
export interface Explained {
  code: string;
  message: string;
  cause?: string | null;
  fix?: string | null;
  provider_error?: string | null;
  requestId?: string | null;
}

interface ExplanationProps {
  explanation: Explained;
  action?: ReactNode;
  /** A warning is what waits for somebody; the usual is what failed. */
  tone?: "bad" | "warning";
}

export function ExplanationNotice({ explanation, action, tone = "bad" }: ExplanationProps) {
  const { message, cause, fix } = explanation;
  return (
    <Notice tone={tone} title={message} action={action}>
      {cause && <p>{cause}</p>}
      {fix && (
        <p>
          <strong>Fix:</strong> {fix}
        </p>
      )}
      <p className={styles.facts}>
        <code>{explanation.code}</code>
        {explanation.provider_error && <code>{explanation.provider_error}</code>}
        {explanation.requestId && <code>request {explanation.requestId}</code>}
      </p>
    </Notice>
  );
}

import type { ReactNode } from "react";
import styles from "./Notice.module.css";

interface NoticeProps {
  tone: "info" | "ok" | "warning" | "bad";
  title?: ReactNode;
  action?: ReactNode;
  children?: ReactNode;
}

/** What must be read where it happened. Failures and warnings are announced. */
export function Notice({ tone, title, action, children }: NoticeProps) {
  return (
    <div
      className={styles.notice}
      data-tone={tone}
      role={tone === "bad" || tone === "warning" ? "alert" : "status"}
    >
      <div className={styles.text}>
        {title && <p className={styles.title}>{title}</p>}
        {children}
      </div>
      {action && <div>{action}</div>}
    </div>
  );
}

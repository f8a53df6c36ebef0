import { type ReactNode, useEffect, useRef } from "react";
import styles from "./PageHeader.module.css";

interface PageHeaderProps {
  title: string;
  /** Key facts beneath the title. */
  facts?: ReactNode;
  action?: ReactNode;
}

/** The page's one `h1`, focused on arrival so that a screen reader says where one is. */
export function PageHeader({ title, facts, action }: PageHeaderProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Ag2Trust`;
    heading.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <header className={styles.header}>
      <div className={styles.words}>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {facts && <div className={styles.facts}>{facts}</div>}
      </div>
      {action && <div className={styles.action}>{action}</div>}
    </header>
  );
}

import { type ReactNode, useEffect } from "react";
import styles from "./Door.module.css";

/** A page for whoever is not in yet. */
export function Door({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Ag2Trust`;
  }, [title]);
  return (
    <main className={styles.door}>
      <div className={styles.panel}>
        <p className={styles.brand}>
          <img src="/icon.svg" alt="" width="24" height="24" />
          Ag2Trust
        </p>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}

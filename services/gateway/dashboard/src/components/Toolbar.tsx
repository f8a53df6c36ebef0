import type { ReactNode } from "react";
import styles from "./Toolbar.module.css";

/** What narrows the list beneath it. */
export function Toolbar({ children }: { children: ReactNode }) {
  return <div className={styles.toolbar}>{children}</div>;
}

interface FilterSelectProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: ReactNode;
}

/** One filter with few values; its first option names what it filters. */
export function FilterSelect({ label, value, onChange, children }: FilterSelectProps) {
  return (
    <select
      aria-label={label}
      className={styles.control}
      data-filter
      data-set={value !== "" || undefined}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      {children}
    </select>
  );
}

interface FilterTextProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

/** One filter by words; it narrows as one writes. */
export function FilterText({ label, value, onChange }: FilterTextProps) {
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={label}
      className={styles.control}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, ReactNode } from "react";
import styles from "./Chips.module.css";

/** Filters of a list, each with an address of its own. */
export function Chips({ label, children }: { label: string; children: ReactNode }) {
  return (
    <nav aria-label={label} className={styles.chips}>
      {children}
    </nav>
  );
}

interface AnchorProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  isChosen?: boolean;
}

function Anchor({ isChosen = false, children, className: _, ...rest }: AnchorProps) {
  return (
    <a {...rest} className={styles.chip} aria-current={isChosen ? "true" : undefined}>
      {children}
    </a>
  );
}

export const Chip = createLink(Anchor);

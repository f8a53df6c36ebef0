import type { ReactNode } from "react";
import styles from "./Below.module.css";

interface BelowProps {
  /** Whether what stands above is still on its way. */
  isHeld: boolean;
  children: ReactNode;
}

/** What stands below something that loads: it loads meanwhile, is shown after it, and so is
 *  never pushed down. */
export function Below({ isHeld, children }: BelowProps) {
  return (
    <div hidden={isHeld} className={styles.below}>
      {children}
    </div>
  );
}

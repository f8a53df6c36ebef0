import type { ButtonHTMLAttributes } from "react";
import styles from "./Button.module.css";
import { classes } from "./classes";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "primary" | "plain" | "quiet" | "danger";
  /** Shown instead of the label while the act runs, as "Rotating key…". */
  busyLabel?: string | undefined;
  isBusy?: boolean;
}

/** A verb and a noun. While busy it keeps its focus but does nothing. */
export function Button({
  kind = "plain",
  busyLabel,
  isBusy = false,
  className,
  children,
  onClick,
  type = "button",
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      aria-disabled={isBusy || undefined}
      className={classes(styles.button, styles[kind], className)}
      onClick={(event) => (isBusy ? event.preventDefault() : onClick?.(event))}
    >
      {isBusy ? (busyLabel ?? children) : children}
    </button>
  );
}

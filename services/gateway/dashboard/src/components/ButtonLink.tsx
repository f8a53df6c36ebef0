import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes } from "react";
import styles from "./Button.module.css";
import { classes } from "./classes";

interface AnchorProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  kind?: "primary" | "plain" | "quiet";
}

function Anchor({ kind = "plain", className, children, ...rest }: AnchorProps) {
  return (
    <a {...rest} className={classes(styles.button, styles[kind], className)}>
      {children}
    </a>
  );
}

/** A link that looks like the button it stands in for: it leads to where the act is done. */
export const ButtonLink = createLink(Anchor);

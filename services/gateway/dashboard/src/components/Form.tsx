import type { FormHTMLAttributes, ReactNode } from "react";
import { classes } from "./classes";
import styles from "./Form.module.css";

interface FormProps extends Omit<FormHTMLAttributes<HTMLFormElement>, "className"> {
  /** Made of panels, each with its own column of fields. */
  isWide?: boolean;
}

/** A column of fields. The server validates: the browser's own bubbles stay away. */
export function Form({ isWide = false, ...props }: FormProps) {
  return <form noValidate {...props} className={classes(styles.form, isWide && styles.wide)} />;
}

/** The fields of one part of a form. */
Form.Fields = function Fields({ children }: { children: ReactNode }) {
  return <div className={styles.fields}>{children}</div>;
};

/** Two short fields beside one another, where there is room. */
Form.Pair = function Pair({ children }: { children: ReactNode }) {
  return <div className={styles.pair}>{children}</div>;
};

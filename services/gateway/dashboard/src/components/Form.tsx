import type { FormHTMLAttributes } from "react";
import styles from "./Form.module.css";

/** A column of fields. The server validates: the browser's own bubbles stay away. */
export function Form(props: Omit<FormHTMLAttributes<HTMLFormElement>, "className">) {
  return <form noValidate {...props} className={styles.form} />;
}

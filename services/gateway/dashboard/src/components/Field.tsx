import { type ReactNode, useId } from "react";
import styles from "./Field.module.css";

interface FieldProps {
  label: string;
  help?: ReactNode;
  error?: string | undefined;
  isOptional?: boolean;
  /** Given the ids that tie a control to its help and its error. */
  children: (control: ControlProps) => ReactNode;
}

interface ControlProps {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean | undefined;
  className: string | undefined;
}

/** A label, a control, help beneath it, and the error that the server gave it. */
export function Field({ label, help, error, isOptional = false, children }: FieldProps) {
  const id = useId();
  const described = [help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {label}
        {isOptional && <span className={styles.optional}> optional</span>}
      </label>
      {children({
        id,
        "aria-describedby": described || undefined,
        "aria-invalid": error ? true : undefined,
        className: styles.control,
      })}
      {help && (
        <p id={`${id}-help`} className={styles.help}>
          {help}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className={styles.error}>
          {error}
        </p>
      )}
    </div>
  );
}

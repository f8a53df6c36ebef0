import type {
  InputHTMLAttributes,
  ReactNode,
  SelectHTMLAttributes,
  TextareaHTMLAttributes,
} from "react";
import { classes } from "./classes";
import { Field } from "./Field";
import styles from "./Field.module.css";

interface Labelled {
  label: string;
  name: string;
  help?: ReactNode;
  error?: string | undefined;
  isOptional?: boolean;
}

type Native<T> = Omit<T, "name" | "className" | "id">;

export function TextField({
  label,
  help,
  error,
  isOptional = false,
  ...input
}: Labelled & Native<InputHTMLAttributes<HTMLInputElement>>) {
  return (
    <Field label={label} help={help} error={error} isOptional={isOptional}>
      {(control) => <input autoComplete="off" {...input} {...control} />}
    </Field>
  );
}

/** A secret on its way in: never filled from outside, read once when its form is sent.
 *  What is stored is told as text beside it, never put back into the field. */
export function SecretField({ label, help, error, isOptional = false, ...input }: SecretProps) {
  return (
    <Field label={label} help={help} error={error} isOptional={isOptional}>
      {(control) => (
        <input
          {...input}
          {...control}
          className={classes(control.className, styles.secret)}
          type="password"
          autoComplete="new-password"
          autoCorrect="off"
          autoCapitalize="off"
          spellCheck={false}
          data-1p-ignore
          data-lpignore="true"
        />
      )}
    </Field>
  );
}

type SecretProps = Labelled & { required?: boolean; placeholder?: string };

export function TextArea({
  label,
  help,
  error,
  isOptional = false,
  ...input
}: Labelled & Native<TextareaHTMLAttributes<HTMLTextAreaElement>>) {
  return (
    <Field label={label} help={help} error={error} isOptional={isOptional}>
      {(control) => <textarea {...input} {...control} />}
    </Field>
  );
}

export function Select({
  label,
  help,
  error,
  isOptional = false,
  children,
  ...input
}: Labelled & Native<SelectHTMLAttributes<HTMLSelectElement>>) {
  return (
    <Field label={label} help={help} error={error} isOptional={isOptional}>
      {(control) => (
        <select {...input} {...control}>
          {children}
        </select>
      )}
    </Field>
  );
}

/** On or off, said in words beside it. */
export function Switch({
  label,
  ...input
}: { label: string; name: string } & Native<InputHTMLAttributes<HTMLInputElement>>) {
  return (
    <label className={styles.switch}>
      <input type="checkbox" {...input} />
      {label}
    </label>
  );
}

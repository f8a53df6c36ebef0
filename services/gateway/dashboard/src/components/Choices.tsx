import type { ReactNode } from "react";
import styles from "./Choices.module.css";

export interface ChoiceTold {
  value: string;
  name: string;
  /** What it means, so that nobody has to know the word. */
  hint: ReactNode;
  /** Why it cannot be chosen; it stays visible and says so. */
  barred?: string | undefined;
}

interface ChoicesProps {
  label: string;
  name: string;
  choices: ChoiceTold[];
  value: string;
  onChange: (value: string) => void;
  error?: string | undefined;
}

/** One of a few, each with what follows from it. */
export function Choices({ label, name, choices, value, onChange, error }: ChoicesProps) {
  return (
    <fieldset className={styles.choices}>
      <legend className={styles.legend}>{label}</legend>
      {choices.map((choice) => (
        <label
          key={choice.value}
          className={styles.choice}
          data-barred={choice.barred ? true : undefined}
        >
          <input
            type="radio"
            name={name}
            value={choice.value}
            checked={choice.value === value}
            disabled={choice.barred !== undefined}
            onChange={() => onChange(choice.value)}
          />
          <span>
            <span className={styles.name}>{choice.name}</span>
            <span className={styles.hint}>{choice.barred ?? choice.hint}</span>
          </span>
        </label>
      ))}
      {error && <p className={styles.error}>{error}</p>}
    </fieldset>
  );
}

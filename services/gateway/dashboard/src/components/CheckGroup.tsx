import styles from "./Field.module.css";

interface CheckGroupProps {
  label: string;
  name: string;
  choices: { value: string; name: string }[];
  chosen: readonly string[];
  help?: string;
  error?: string | undefined;
}

/** Any number of a few. */
export function CheckGroup({ label, name, choices, chosen, help, error }: CheckGroupProps) {
  return (
    <fieldset className={styles.group}>
      <legend className={styles.label}>{label}</legend>
      <div className={styles.checks}>
        {choices.map((choice) => (
          <label key={choice.value} className={styles.switch}>
            <input
              type="checkbox"
              name={name}
              value={choice.value}
              defaultChecked={chosen.includes(choice.value)}
            />
            {choice.name}
          </label>
        ))}
      </div>
      {help && <p className={styles.help}>{help}</p>}
      {error && <p className={styles.error}>{error}</p>}
    </fieldset>
  );
}

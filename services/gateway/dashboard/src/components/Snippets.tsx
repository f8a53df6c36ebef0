import { useId, useState } from "react";
import { CopyText } from "./CopyText";
import styles from "./Snippets.module.css";

interface SnippetsProps {
  label: string;
  snippets: { name: string; text: string }[];
}

/** The same thing for several tools; one is shown at a time. */
export function Snippets({ label, snippets }: SnippetsProps) {
  const [at, setAt] = useState(0);
  const group = useId();
  const shown = snippets[at] ?? snippets[0];
  return (
    <div className={styles.snippets}>
      <fieldset className={styles.choices}>
        <legend className="visually-hidden">{label}</legend>
        {snippets.map(({ name }, index) => (
          <label key={name} className={styles.choice}>
            <input
              type="radio"
              name={group}
              className="visually-hidden"
              checked={index === at}
              onChange={() => setAt(index)}
            />
            {name}
          </label>
        ))}
      </fieldset>
      {shown && <CopyText label={shown.name} text={shown.text} />}
    </div>
  );
}

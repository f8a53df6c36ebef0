import type { ProviderType } from "~/api/queries/providers";
import { TYPE_HINTS, TYPE_NAMES } from "./model";
import styles from "./TypeCards.module.css";

const TYPES = Object.keys(TYPE_NAMES) as ProviderType[];

interface TypeCardsProps {
  chosen: ProviderType;
  onChoose: (type: ProviderType) => void;
}

export function TypeCards({ chosen, onChoose }: TypeCardsProps) {
  return (
    <fieldset className={styles.cards}>
      <legend className="visually-hidden">Type</legend>
      {TYPES.map((type) => (
        <label key={type} className={styles.card}>
          <input
            type="radio"
            name="type"
            value={type}
            checked={type === chosen}
            onChange={() => onChoose(type)}
          />
          <span>
            <strong>{TYPE_NAMES[type]}</strong>
            <span className={styles.hint}>{TYPE_HINTS[type]}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

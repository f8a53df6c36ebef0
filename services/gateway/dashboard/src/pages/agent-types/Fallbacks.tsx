import { ArrowDown, ArrowUp, X } from "lucide-react";
import { useState } from "react";
import type { Fallback } from "~/api/queries/agentTypes";
import type { Provider } from "~/api/queries/providers";
import { Button } from "~/components/Button";
import { withChosen } from "~/components/choices";
import { Select, TextField } from "~/components/inputs";
import styles from "./Fallbacks.module.css";
import { moved } from "./model";

interface FallbacksProps {
  given: Fallback[];
  providers: Provider[];
  error: string | undefined;
}

interface Row extends Fallback {
  key: number;
}

const GONE = "A provider that is gone";

/** Who answers when the provider cannot, in their order. */
export function Fallbacks({ given, providers, error }: FallbacksProps) {
  const [rows, setRows] = useState<Row[]>(given.map((each, key) => ({ ...each, key })));
  const [next, setNext] = useState(given.length);

  function add() {
    setRows([...rows, { key: next, provider_id: providers[0]?.id ?? "", model: "" }]);
    setNext(next + 1);
  }

  return (
    <fieldset className={styles.fallbacks}>
      <legend className={styles.legend}>Fallbacks</legend>
      <p className={styles.help}>
        Asked in this order when the provider fails, is disabled or has no usable key.
      </p>
      {rows.map((row, at) => (
        <div key={row.key} className={styles.row}>
          <Select
            label={`Provider of fallback ${at + 1}`}
            name="fallback_provider_id"
            defaultValue={row.provider_id}
          >
            {withChosen(providers, row.provider_id, GONE).map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </Select>
          <TextField
            label={`Model of fallback ${at + 1}`}
            name="fallback_model"
            required
            spellCheck={false}
            defaultValue={row.model}
          />
          <div className={styles.acts}>
            <Button
              kind="quiet"
              aria-label={`Move fallback ${at + 1} up`}
              disabled={at === 0}
              onClick={() => setRows(moved(rows, at, at - 1))}
            >
              <ArrowUp size={16} aria-hidden="true" />
            </Button>
            <Button
              kind="quiet"
              aria-label={`Move fallback ${at + 1} down`}
              disabled={at === rows.length - 1}
              onClick={() => setRows(moved(rows, at, at + 1))}
            >
              <ArrowDown size={16} aria-hidden="true" />
            </Button>
            <Button
              kind="quiet"
              aria-label={`Remove fallback ${at + 1}`}
              onClick={() => setRows(rows.filter(({ key }) => key !== row.key))}
            >
              <X size={16} aria-hidden="true" />
            </Button>
          </div>
        </div>
      ))}
      {error && <p className={styles.error}>{error}</p>}
      <div>
        <Button onClick={add}>Add fallback</Button>
      </div>
    </fieldset>
  );
}

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Model, modelsQuery, type Task } from "~/api/queries/models";
import { liveModelsQuery, type Provider } from "~/api/queries/providers";
import { Select, TextField } from "~/components/inputs";
import { Loaded } from "~/components/Loaded";
import { pricePerMillion } from "~/format/money";
import styles from "./ModelPicker.module.css";
import { type Choice, choicesFor, contextOf, word } from "./picking";

interface ModelPickerProps {
  provider: Provider;
  chosen: string;
  onChoose: (model: string) => void;
  error: string | undefined;
}

/** Which model: any id the provider takes, or one of the catalogue by task and price. */
export function ModelPicker({ provider, chosen, onChoose, error }: ModelPickerProps) {
  const catalogue = useQuery(modelsQuery(provider.type));
  const live = useQuery({ ...liveModelsQuery(provider.id), enabled: provider.status === "ready" });
  return (
    <div className={styles.picker}>
      <TextField
        label="Model"
        name="model"
        required
        spellCheck={false}
        value={chosen}
        onChange={(event) => onChoose(event.target.value)}
        list="live-models"
        help={`Any id that ${provider.name} takes, or one of those below.`}
        error={error}
      />
      <datalist id="live-models">
        {live.data?.data.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
      <Loaded query={catalogue} what="models" lines={6}>
        {({ data, tasks }) => (
          <Catalogue models={data} tasks={tasks} chosen={chosen} onChoose={onChoose} />
        )}
      </Loaded>
    </div>
  );
}

interface CatalogueProps {
  models: Model[];
  tasks: Task[];
  chosen: string;
  onChoose: (model: string) => void;
}

function Catalogue({ models, tasks, chosen, onChoose }: CatalogueProps) {
  const [taskId, setTaskId] = useState("");
  const ids = new Set(models.map(({ id }) => id));
  const useful = tasks.filter((task) => task.models.some((id) => ids.has(id)));
  const task = useful.find(({ id }) => id === taskId);
  return (
    <>
      <Select
        label="What for"
        name="task"
        value={taskId}
        onChange={(event) => setTaskId(event.target.value)}
      >
        <option value="">Any task</option>
        {useful.map(({ id, title }) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
      </Select>
      <div className={styles.scroll}>
        <table aria-label="Catalogue of models">
          <thead>
            <tr>
              <th scope="col">Catalogue</th>
              <th scope="col">Speed</th>
              <th scope="col">Intelligence</th>
              <th scope="col" data-number>
                $ in / 1M
              </th>
              <th scope="col" data-number>
                $ out / 1M
              </th>
              <th scope="col" data-number>
                Context
              </th>
            </tr>
          </thead>
          <tbody>
            {choicesFor(models, task, "").map((choice) => (
              <Row
                key={choice.model.id}
                choice={choice}
                isChosen={choice.model.id === chosen}
                onChoose={onChoose}
              />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

interface RowProps {
  choice: Choice;
  isChosen: boolean;
  onChoose: (model: string) => void;
}

function Row({ choice: { model, rank, barred }, isChosen, onChoose }: RowProps) {
  const prices = model.usd_per_million_tokens;
  return (
    <tr data-chosen={isChosen || undefined} data-barred={barred ? true : undefined}>
      <th scope="row">
        <label className={styles.choice}>
          <input
            type="radio"
            name="catalogue"
            checked={isChosen}
            disabled={barred !== null}
            onChange={() => onChoose(model.id)}
          />
          <span>
            {model.name}
            {rank !== null && <span className={styles.recommended}>Recommended</span>}
            <code className={styles.id}>{model.id}</code>
            {barred && <span className={styles.reason}>{barred}</span>}
            {model.status === "legacy" && model.retires_on && (
              <span className={styles.reason}>Ends on {model.retires_on}</span>
            )}
          </span>
        </label>
      </th>
      <td>{word(model.speed)}</td>
      <td>{word(model.intelligence)}</td>
      <td data-number>{prices ? pricePerMillion(prices.input) : "–"}</td>
      <td data-number>{prices ? pricePerMillion(prices.output) : "–"}</td>
      <td data-number>{contextOf(model)}</td>
    </tr>
  );
}

import type { Model, Task } from "~/api/queries/models";

export interface Choice {
  model: Model;
  /** Its place among those for the task, from 1; null if it is for others. */
  rank: number | null;
  /** Why it cannot be chosen; null if it can. */
  barred: string | null;
}

/** The models in the order in which one would look at them: those for the task as they are
 *  recommended, then today's, then those on their way out; what has ended comes last. */
export function choicesFor(models: Model[], task: Task | undefined, words: string): Choice[] {
  const wanted = words.trim().toLowerCase();
  return models
    .filter(({ id, name }) => `${id} ${name}`.toLowerCase().includes(wanted))
    .map((model) => ({ model, rank: rankOf(model, task), barred: barredBecause(model) }))
    .toSorted((a, b) => order(a) - order(b));
}

function rankOf({ id }: Model, task: Task | undefined): number | null {
  const at = task?.models.indexOf(id) ?? -1;
  return at < 0 ? null : at + 1;
}

function barredBecause({ status, retires_on, replaced_by }: Model): string | null {
  if (status !== "retired") return null;
  const ended = retires_on ? `Retired on ${retires_on}` : "Retired";
  return replaced_by ? `${ended}; use ${replaced_by}` : ended;
}

const AFTER: Record<Model["status"], number> = { current: 1_000, legacy: 2_000, retired: 3_000 };

function order({ rank, model }: Choice): number {
  return model.status === "retired" || rank === null ? AFTER[model.status] : rank;
}

const tokens = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** How much fits into a model at once: `128K`. */
export function contextOf({ context_window }: Model): string {
  return context_window === null ? "–" : tokens.format(context_window);
}

const WORDS: Record<string, string> = {
  very_fast: "Very fast",
  fast: "Fast",
  medium: "Medium",
  good: "Good",
  high: "High",
  very_high: "Very high",
};

/** The catalogue's word for speed or intelligence, as people read it. */
export function word(value: string | null): string {
  return value === null ? "–" : (WORDS[value] ?? value);
}

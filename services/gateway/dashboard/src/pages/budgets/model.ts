import type {
  Budget,
  BudgetPatch,
  BudgetSubmission,
  LimitStanding,
  ScopeKind,
} from "~/api/queries/budgets";
import { compact, count } from "~/format/count";
import { money } from "~/format/money";

export const SCOPE_NAMES: Record<ScopeKind, string> = {
  organization: "The whole organization",
  agent_type: "An agent type",
  agent: "An agent",
  provider: "A provider",
};

export const LIMIT_NAMES: Record<string, string> = {
  requests_per_minute: "Requests a minute",
  tokens_per_minute: "Tokens a minute",
  concurrent: "Concurrent calls",
  tool_calls_per_minute: "Tool calls a minute",
  http_requests_per_minute: "HTTP requests a minute",
};

/** `12 of 60 left`. */
export function leftTold({ left, amount }: LimitStanding): string {
  return `${count(left)} of ${count(amount)} left`;
}

const PERIOD_WORDS: Record<Budget["period"], string> = { day: "today", month: "this month" };

/** How much a budget allows, in its own measure. */
export function amountOf({ usd, tokens }: Pick<Budget, "usd" | "tokens">): number {
  return usd ?? tokens ?? 0;
}

/** `$184.20 of $250.00 used`, and what follows once it is spent. */
export function standingTold(budget: Pick<Budget, "usd" | "tokens" | "period" | "used">): string {
  const told = (value: number) => (budget.usd === null ? `${compact(value)}` : money(value));
  const unit = budget.usd === null ? " tokens" : "";
  return `${told(budget.used)} of ${told(amountOf(budget))}${unit} used ${PERIOD_WORDS[budget.period]}`;
}

/** What happens once it is spent. */
export const MODE_WORDS: Record<Budget["mode"], string> = {
  hard: "refuses calls once spent",
  warn: "only tells when spent",
};

/** Read the form of a budget. */
export function budgetOf(form: FormData, zone: string): BudgetSubmission {
  const kind = text(form, "kind") as ScopeKind;
  return {
    name: text(form, "name"),
    scope: { kind, id: kind === "organization" ? null : text(form, "id") },
    time_zone: zone,
    ...termsOf(form),
  };
}

/** Read the form of a budget that is there; it goes on counting what it counts. */
export function patchOf(form: FormData, budget: Pick<Budget, "usd">): BudgetPatch {
  return {
    name: text(form, "name"),
    mode: modeOf(form),
    warn_at_percent: Number(text(form, "warn_at_percent")),
    ...amountGiven(form, budget.usd === null ? "tokens" : "usd"),
  };
}

/** How much a form allows, and each when. */
export function termsOf(form: FormData) {
  const warnAt = text(form, "warn_at_percent");
  return {
    period: text(form, "period") === "day" ? "day" : "month",
    mode: modeOf(form),
    ...(warnAt && { warn_at_percent: Number(warnAt) }),
    ...amountGiven(form, text(form, "measure")),
  } as const;
}

function modeOf(form: FormData): Budget["mode"] {
  return text(form, "mode") === "warn" ? "warn" : "hard";
}

/** Dollars stay as they were written. */
function amountGiven(form: FormData, measure: string) {
  const amount = text(form, "amount");
  return measure === "tokens" ? { tokens: Number(amount) } : { usd: amount };
}

function text(form: FormData, name: string): string {
  return String(form.get(name) ?? "").trim();
}

import type { AgentTypeBudget } from "~/api/queries/agentTypes";
import type { Budget } from "~/api/queries/budgets";
import { Form } from "~/components/Form";
import { Select, TextField } from "~/components/inputs";
import { amountOf } from "./model";

interface BudgetTermsProps {
  /** As it is; null for a new one. */
  terms: AgentTypeBudget | null;
  /** What the server said of each field, without what comes before it. */
  errors: Record<string, string>;
  isOptional?: boolean;
}

/** How much may be used in which time, and what follows once it is. */
export function BudgetTerms({ terms, errors, isOptional = false }: BudgetTermsProps) {
  return (
    <>
      <Form.Pair>
        <TextField
          label="At most"
          name="amount"
          inputMode="decimal"
          required={!isOptional}
          isOptional={isOptional}
          placeholder="250"
          defaultValue={terms ? amountOf(terms) : undefined}
          error={errors.usd ?? errors.tokens}
        />
        <Select
          label="Counted in"
          name="measure"
          defaultValue={terms?.usd === null ? "tokens" : "usd"}
          help="A budget of dollars refuses models without a price."
        >
          <option value="usd">Dollars</option>
          <option value="tokens">Tokens</option>
        </Select>
      </Form.Pair>
      <Form.Pair>
        <Select label="Each" name="period" defaultValue={terms?.period} error={errors.period}>
          <option value="month">Month</option>
          <option value="day">Day</option>
        </Select>
        <ModeSelect mode={terms?.mode} error={errors.mode} />
      </Form.Pair>
    </>
  );
}

interface ModeSelectProps {
  mode: Budget["mode"] | undefined;
  error: string | undefined;
}

/** What follows once a budget is spent. */
export function ModeSelect({ mode, error }: ModeSelectProps) {
  return (
    <Select label="Once it is spent" name="mode" defaultValue={mode} error={error}>
      <option value="hard">Refuse calls</option>
      <option value="warn">Only tell of it</option>
    </Select>
  );
}

/** How much of a budget may be used before an event and an alert tell of it. */
export function WarnAt({ percent, error }: { percent: number; error: string | undefined }) {
  return (
    <TextField
      label="Warn at, in percent"
      name="warn_at_percent"
      type="number"
      min={1}
      max={100}
      required
      defaultValue={percent}
      error={error}
    />
  );
}

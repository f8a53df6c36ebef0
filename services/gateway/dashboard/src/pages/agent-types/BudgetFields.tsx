import { useQuery } from "@tanstack/react-query";
import type { AgentTypeBudget } from "~/api/queries/agentTypes";
import { budgetQuery } from "~/api/queries/budgets";
import { Meter } from "~/charts/Meter";
import { Form } from "~/components/Form";
import { localZone } from "~/format/time";
import { BudgetTerms } from "~/pages/budgets/BudgetTerms";
import { amountOf, standingTold } from "~/pages/budgets/model";

interface BudgetFieldsProps {
  budget: AgentTypeBudget | null;
  errors: Record<string, string>;
}

/** What all agents of the type may use together. What the form does not ask for is kept. */
export function BudgetFields({ budget, errors }: BudgetFieldsProps) {
  const kept = budget
    ? { name: budget.name, time_zone: budget.time_zone, warn_at_percent: budget.warn_at_percent }
    : { time_zone: localZone() };
  return (
    <Form.Fields>
      <p>
        All its agents together may use so much. It holds at once, without a restart; empty is no
        budget. In another measure or period it is a new budget, which counts from then.
      </p>
      {budget && <Standing budget={budget} />}
      <BudgetTerms terms={budget} errors={ofBudget(errors)} isOptional />
      <input type="hidden" name="budget" value={JSON.stringify(kept)} />
    </Form.Fields>
  );
}

function Standing({ budget }: { budget: AgentTypeBudget }) {
  const used = useQuery(budgetQuery(budget.id)).data?.used;
  if (used === undefined) return null;
  return (
    <Meter
      label={budget.name}
      used={used}
      limit={amountOf(budget)}
      words={standingTold({ ...budget, used })}
    />
  );
}

/** What the server said of the budget's fields, called as they are there. */
function ofBudget(errors: Record<string, string>): Record<string, string> {
  const told = Object.entries(errors).filter(([field]) => field.startsWith("budget."));
  return Object.fromEntries(told.map(([field, words]) => [field.slice("budget.".length), words]));
}

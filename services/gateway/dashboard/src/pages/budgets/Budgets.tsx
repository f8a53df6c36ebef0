import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useMay } from "~/api/permissions";
import { type Budget, budgetsQuery, deleteBudget } from "~/api/queries/budgets";
import { useAgentNames, useAgentTypeNames, useProviderNames } from "~/api/queries/names";
import { Meter } from "~/charts/Meter";
import { Button } from "~/components/Button";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { EmptyState } from "~/components/EmptyState";
import { FailureNotice } from "~/components/FailureNotice";
import { Loaded } from "~/components/Loaded";
import { Menu } from "~/components/Menu";
import { Panel } from "~/components/Panel";
import { absolute } from "~/format/time";
import styles from "./Budgets.module.css";
import { EditBudget } from "./EditBudget";
import { amountOf, MODE_WORDS, standingTold } from "./model";
import { NewBudget } from "./NewBudget";

/** What may be spent, what of it is spent, and what follows then. */
export function Budgets() {
  const query = useInfiniteQuery(budgetsQuery());
  const [isMaking, setIsMaking] = useState(false);
  const isAllowed = useMay("budgets:write");
  const make = isAllowed && <Button onClick={() => setIsMaking(true)}>New budget</Button>;
  return (
    <Panel title="Budgets" note="calls under way included" action={make} isFlush>
      <Loaded query={query} what="budgets">
        {({ pages }) => {
          const budgets = pages.flatMap((page) => page.data);
          if (budgets.length === 0) return <NoBudget />;
          return (
            <ul>
              {budgets.map((budget) => (
                <Item key={budget.id} budget={budget} isAllowed={isAllowed} />
              ))}
            </ul>
          );
        }}
      </Loaded>
      {isMaking && <NewBudget onClose={() => setIsMaking(false)} />}
    </Panel>
  );
}

function NoBudget() {
  return (
    <EmptyState title="No budget">
      A budget says how many tokens or dollars may be used in a day or month, and what follows then.
    </EmptyState>
  );
}

function Item({ budget, isAllowed }: { budget: Budget; isAllowed: boolean }) {
  const scope = useScope(budget);
  return (
    <li className={styles.budget}>
      <div className={styles.words}>
        <Meter
          label={budget.name}
          used={budget.used}
          limit={amountOf(budget)}
          words={standingTold(budget)}
        />
        <p className={styles.none}>
          {scope} · {MODE_WORDS[budget.mode]} · warns at {budget.warn_at_percent} % · begins anew{" "}
          {absolute(budget.period_end, budget.time_zone)}
        </p>
      </div>
      {isAllowed && <Acts budget={budget} />}
    </li>
  );
}

function useScope({ scope: { kind, id } }: Budget): string {
  const names = {
    agent: useAgentNames(kind === "agent"),
    agent_type: useAgentTypeNames(kind === "agent_type"),
    provider: useProviderNames(kind === "provider"),
  };
  if (kind === "organization" || id === null) return "The whole organization";
  return names[kind](id);
}

function Acts({ budget }: { budget: Budget }) {
  const [isEditing, setIsEditing] = useState(false);
  const [isDeleting, setIsDeleting] = useState(false);
  return (
    <>
      <Menu
        label={`More for ${budget.name}`}
        items={[
          { name: "Edit budget", onSelect: () => setIsEditing(true) },
          { name: "Delete budget", onSelect: () => setIsDeleting(true) },
        ]}
      />
      {isEditing && <EditBudget budget={budget} onClose={() => setIsEditing(false)} />}
      <DeleteBudget budget={budget} isOpen={isDeleting} onClose={() => setIsDeleting(false)} />
    </>
  );
}

interface DeleteBudgetProps {
  budget: Budget;
  isOpen: boolean;
  onClose: () => void;
}

function DeleteBudget({ budget, isOpen, onClose }: DeleteBudgetProps) {
  const { mutate, error, isPending } = useMutation(deleteBudget);
  return (
    <ConfirmDialog
      title={`Delete the budget ${budget.name}?`}
      isOpen={isOpen}
      onClose={onClose}
      act="Delete budget"
      busyAct="Deleting budget…"
      isBusy={isPending}
      onConfirm={() => mutate(budget.id, { onSuccess: onClose })}
    >
      <p>Nothing is refused because of it from then on. What was used stays counted.</p>
      <FailureNotice failure={error} />
    </ConfirmDialog>
  );
}

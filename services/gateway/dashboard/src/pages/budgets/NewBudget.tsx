import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "~/api/errors";
import { agentsQuery } from "~/api/queries/agents";
import { agentTypesQuery } from "~/api/queries/agentTypes";
import { createBudget, type ScopeKind } from "~/api/queries/budgets";
import { providersQuery } from "~/api/queries/providers";
import { Button } from "~/components/Button";
import { Dialog } from "~/components/Dialog";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { Select, TextField } from "~/components/inputs";
import { localZone } from "~/format/time";
import { BudgetTerms, WarnAt } from "./BudgetTerms";
import { budgetOf, SCOPE_NAMES } from "./model";

/** How much may be used, of what, and what follows once it is. */
export function NewBudget({ onClose }: { onClose: () => void }) {
  const { mutate, error, isPending } = useMutation(createBudget);
  const [kind, setKind] = useState<ScopeKind>("organization");
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const budget = budgetOf(new FormData(event.currentTarget), localZone());
    mutate(budget, { onSuccess: onClose });
  }

  return (
    <Dialog title="New budget" isOpen onClose={onClose}>
      <Form onSubmit={submit}>
        <TextField label="Name" name="name" required maxLength={100} error={errors.name} />
        <Form.Pair>
          <Select
            label="Of what"
            name="kind"
            value={kind}
            onChange={(event) => setKind(event.target.value as ScopeKind)}
            error={errors["scope.kind"]}
          >
            {Object.entries(SCOPE_NAMES).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </Select>
          {kind !== "organization" && <Which kind={kind} error={errors["scope.id"]} />}
        </Form.Pair>
        <BudgetTerms terms={null} errors={errors} />
        <WarnAt percent={80} error={errors.warn_at_percent} />
        <FailureNotice failure={error} />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Creating budget…">
          Create budget
        </Button>
      </Form>
    </Dialog>
  );
}

interface WhichProps {
  kind: Exclude<ScopeKind, "organization">;
  error: string | undefined;
}

function Which({ kind, error }: WhichProps) {
  const lists = {
    agent: useInfiniteQuery({ ...agentsQuery(), enabled: kind === "agent" }).data,
    agent_type: useInfiniteQuery({ ...agentTypesQuery(), enabled: kind === "agent_type" }).data,
    provider: useInfiniteQuery({ ...providersQuery(), enabled: kind === "provider" }).data,
  };
  const named = lists[kind]?.pages.flatMap((page) => page.data as { id: string; name: string }[]);
  return (
    <Select label="Which" name="id" error={error}>
      {named?.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </Select>
  );
}

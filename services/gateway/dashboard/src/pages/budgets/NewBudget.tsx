import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, explained } from "~/api/errors";
import { agentsQuery } from "~/api/queries/agents";
import { agentTypesQuery } from "~/api/queries/agentTypes";
import { createBudget, type ScopeKind } from "~/api/queries/budgets";
import { providersQuery } from "~/api/queries/providers";
import { Button } from "~/components/Button";
import { Dialog } from "~/components/Dialog";
import { ExplanationNotice } from "~/components/ExplanationNotice";
import { Form } from "~/components/Form";
import { Select, TextField } from "~/components/inputs";
import { localZone } from "~/format/time";
import { budgetOf, SCOPE_NAMES } from "./model";

/** How much may be used, of what, and what follows once it is. */
export function NewBudget({ onClose }: { onClose: () => void }) {
  const { mutate, error, isPending } = useMutation(createBudget);
  const [kind, setKind] = useState<ScopeKind>("organization");
  const errors = error instanceof ApiError ? error.fields : {};

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
        <Form.Pair>
          <TextField
            label="At most"
            name="amount"
            inputMode="decimal"
            required
            placeholder="250"
            error={errors.usd ?? errors.tokens}
          />
          <Select
            label="Counted in"
            name="measure"
            help="A budget of dollars refuses models without a price."
          >
            <option value="usd">Dollars</option>
            <option value="tokens">Tokens</option>
          </Select>
        </Form.Pair>
        <Form.Pair>
          <Select label="Each" name="period" error={errors.period}>
            <option value="month">Month</option>
            <option value="day">Day</option>
          </Select>
          <Select label="Once it is spent" name="mode" error={errors.mode}>
            <option value="hard">Refuse calls</option>
            <option value="warn">Only tell of it</option>
          </Select>
        </Form.Pair>
        {error && <ExplanationNotice explanation={explained(error)} />}
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

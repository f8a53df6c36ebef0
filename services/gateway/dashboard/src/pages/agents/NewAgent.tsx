import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { fieldsOf } from "~/api/errors";
import { createAgent } from "~/api/queries/agents";
import { type AgentType, agentTypesQuery } from "~/api/queries/agentTypes";
import { Button } from "~/components/Button";
import { ButtonLink } from "~/components/ButtonLink";
import { EmptyState } from "~/components/EmptyState";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { Select, Switch, TextField } from "~/components/inputs";
import { Loaded } from "~/components/Loaded";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";

/** A new agent of a type that is there. */
export function NewAgent() {
  const query = useInfiniteQuery(agentTypesQuery());
  return (
    <>
      <PageHeader title="New agent" />
      <Panel>
        <Loaded query={query} what="agent types">
          {({ pages }) => {
            const types = pages.flatMap((page) => page.data);
            return types.length === 0 ? <NoType /> : <AgentForm types={types} />;
          }}
        </Loaded>
      </Panel>
    </>
  );
}

function NoType() {
  return (
    <EmptyState
      title="No agent type yet"
      action={
        <ButtonLink kind="primary" to="/agent-types/new">
          New agent type
        </ButtonLink>
      }
    >
      An agent type says which provider, model and instructions its agents have. Make one first.
    </EmptyState>
  );
}

function AgentForm({ types }: { types: AgentType[] }) {
  const { mutate, error, isPending } = useMutation(createAgent);
  const navigate = useNavigate();
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    mutate(
      {
        name: String(form.get("name")).trim(),
        agent_type_id: String(form.get("agent_type_id")),
        start: form.get("start") === "on",
      },
      { onSuccess: ({ id }) => navigate({ to: "/agents/$id", params: { id } }) },
    );
  }

  return (
    <Form onSubmit={submit}>
      <Select label="Agent type" name="agent_type_id" error={errors.agent_type_id}>
        {types.map(({ id, name, model }) => (
          <option key={id} value={id}>
            {name} ({model})
          </option>
        ))}
      </Select>
      <TextField label="Name" name="name" required maxLength={200} error={errors.name} />
      <Switch name="start" label="Start it at once" defaultChecked />
      <FailureNotice failure={error} />
      <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Creating agent…">
        Create agent
      </Button>
    </Form>
  );
}

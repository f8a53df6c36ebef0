import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { fieldsOf } from "~/api/errors";
import { createAgent, type NewAgent } from "~/api/queries/agents";
import { type AgentType, agentTypesQuery } from "~/api/queries/agentTypes";
import { Button } from "~/components/Button";
import { ButtonLink } from "~/components/ButtonLink";
import { EmptyState } from "~/components/EmptyState";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { Select, TextField } from "~/components/inputs";
import { Loaded } from "~/components/Loaded";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { FirstCall, Recipes, ShownToken } from "./Connection";

/** A program that runs elsewhere gets a token, and is shown how to call with it. The token
 *  is only in this page's own state: it is gone with the page. */
export function ConnectAgent() {
  const { mutate, data, error, isPending } = useMutation(createAgent);
  const types = useInfiniteQuery(agentTypesQuery());
  return (
    <>
      <PageHeader
        title="Connect external agent"
        facts="A program that runs anywhere calls models through the proxy: same limits, same counting, no provider key."
      />
      {data ? (
        <Connected agent={data} />
      ) : (
        <Panel title="1. Name it">
          <Loaded query={types} what="agent types">
            {({ pages }) => {
              const external = pages
                .flatMap((page) => page.data)
                .filter((type) => type.runtime === "external");
              return external.length === 0 ? (
                <NoType />
              ) : (
                <NameIt types={external} onName={mutate} error={error} isPending={isPending} />
              );
            }}
          </Loaded>
        </Panel>
      )}
    </>
  );
}

function NoType() {
  return (
    <EmptyState
      title="No agent type for programs that run elsewhere"
      action={
        <ButtonLink kind="primary" to="/agent-types/new" search={{ runtime: "external" }}>
          New external agent type
        </ButtonLink>
      }
    >
      An agent type says which provider and models such programs may use. Make one that runs
      elsewhere first.
    </EmptyState>
  );
}

interface NameItProps {
  types: AgentType[];
  onName: (submission: { name: string; agent_type_id: string }) => void;
  error: Error | null;
  isPending: boolean;
}

function NameIt({ types, onName, error, isPending }: NameItProps) {
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onName({
      name: String(form.get("name")).trim(),
      agent_type_id: String(form.get("agent_type_id")),
    });
  }

  return (
    <Form onSubmit={submit}>
      <TextField
        label="Name"
        name="name"
        required
        maxLength={200}
        placeholder="nightly-batch"
        error={errors.name}
      />
      <Select label="Agent type" name="agent_type_id" error={errors.agent_type_id}>
        {types.map(({ id, name, model }) => (
          <option key={id} value={id}>
            {name} ({model})
          </option>
        ))}
      </Select>
      <FailureNotice failure={error} />
      <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Making token…">
        Make token
      </Button>
    </Form>
  );
}

function Connected({ agent }: { agent: NewAgent }) {
  const token = agent.agent_token ?? "";
  return (
    <>
      <Panel title="1. Keep its token" note={agent.name}>
        <ShownToken token={token} />
      </Panel>
      <Panel title="2. Point the program at the proxy">
        {agent.base_urls && (
          <Recipes agentTypeId={agent.agent_type_id} baseUrls={agent.base_urls} token={token} />
        )}
      </Panel>
      <Panel
        title="3. Call"
        action={
          <ButtonLink to="/agents/$id" params={{ id: agent.id }}>
            Open {agent.name}
          </ButtonLink>
        }
      >
        <FirstCall agentId={agent.id} />
      </Panel>
    </>
  );
}

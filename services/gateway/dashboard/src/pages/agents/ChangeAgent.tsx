import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { fieldsOf } from "~/api/errors";
import { type Agent, updateAgent } from "~/api/queries/agents";
import { agentTypesQuery } from "~/api/queries/agentTypes";
import { Button } from "~/components/Button";
import { withChosen } from "~/components/choices";
import { Dialog } from "~/components/Dialog";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { Select, TextField } from "~/components/inputs";

/** Another name, or another type from the next restart on. */
export function ChangeAgent({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const { mutate, error, isPending } = useMutation(updateAgent);
  const types = useInfiniteQuery(agentTypesQuery()).data?.pages.flatMap((page) => page.data) ?? [];
  const fitting = types
    .filter((type) => (type.runtime === "external") === agent.is_external)
    .map(({ id, name, model }) => ({ id, name: `${name} (${model})` }));
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const patch = {
      name: String(form.get("name")).trim(),
      agent_type_id: String(form.get("agent_type_id")),
    };
    mutate({ id: agent.id, patch }, { onSuccess: onClose });
  }

  return (
    <Dialog title={`Change ${agent.name}`} isOpen onClose={onClose}>
      <Form onSubmit={submit}>
        <TextField
          label="Name"
          name="name"
          required
          maxLength={200}
          defaultValue={agent.name}
          error={errors.name}
        />
        <Select
          key={fitting.length}
          label="Agent type"
          name="agent_type_id"
          defaultValue={agent.agent_type_id}
          help="Another type takes effect when the agent is restarted."
          error={errors.agent_type_id}
        >
          {withChosen(fitting, agent.agent_type_id, "The type it has").map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </Select>
        <FailureNotice failure={error} />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Saving…">
          Save changes
        </Button>
      </Form>
    </Dialog>
  );
}

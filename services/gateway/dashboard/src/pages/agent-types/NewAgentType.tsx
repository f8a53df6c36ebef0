import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { createAgentType } from "~/api/queries/agentTypes";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { AgentTypeForm } from "./AgentTypeForm";

export function NewAgentType() {
  const { mutate, error, isPending } = useMutation(createAgentType);
  const navigate = useNavigate();
  return (
    <>
      <PageHeader title="New agent type" />
      <Panel>
        <AgentTypeForm
          type={null}
          error={error}
          isPending={isPending}
          onSubmit={(submission) =>
            mutate(submission, {
              onSuccess: ({ id }) => navigate({ to: "/agent-types/$id", params: { id } }),
            })
          }
        />
      </Panel>
    </>
  );
}

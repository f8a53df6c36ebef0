import { useMutation } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { createAgentType } from "~/api/queries/agentTypes";
import { PageHeader } from "~/components/PageHeader";
import { AgentTypeForm } from "./AgentTypeForm";

export function NewAgentType() {
  const { mutate, error, isPending } = useMutation(createAgentType);
  const { runtime } = useSearch({ from: "/agent-types/new" });
  const navigate = useNavigate();
  return (
    <>
      <PageHeader title="New agent type" />
      <AgentTypeForm
        type={null}
        runtime={runtime}
        error={error}
        isPending={isPending}
        onSubmit={(submission) =>
          mutate(submission, {
            onSuccess: ({ id }) => navigate({ to: "/agent-types/$id", params: { id } }),
          })
        }
      />
    </>
  );
}

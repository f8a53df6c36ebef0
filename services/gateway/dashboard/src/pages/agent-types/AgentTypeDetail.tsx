import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { Allowed } from "~/api/permissions";
import {
  type AgentType,
  agentTypeQuery,
  deleteAgentType,
  updateAgentType,
} from "~/api/queries/agentTypes";
import { restartAgentsOfType } from "~/api/queries/jobs";
import { Button } from "~/components/Button";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { FailureNotice } from "~/components/FailureNotice";
import { LoadedPage } from "~/components/LoadedPage";
import { Notice } from "~/components/Notice";
import { PageHeader } from "~/components/PageHeader";
import { Time } from "~/components/Time";
import { AgentTypeForm } from "./AgentTypeForm";

/** One agent type, to read and to change. */
export function AgentTypeDetail() {
  const { id } = useParams({ from: "/agent-types/$id" });
  const query = useQuery(agentTypeQuery(id));
  return (
    <LoadedPage
      query={query}
      what="agent type"
      lines={8}
      all={{ to: "/agent-types", name: "All agent types" }}
    >
      {(type) => <Detail key={type.version} type={type} />}
    </LoadedPage>
  );
}

function Detail({ type }: { type: AgentType }) {
  const [isDeleting, setIsDeleting] = useState(false);
  const { mutate, error, isPending } = useMutation(updateAgentType);
  return (
    <>
      <PageHeader
        title={type.name}
        facts={
          <>
            <span>Version {type.version}</span>
            <span>
              changed <Time at={type.updated_at} />
            </span>
          </>
        }
        action={
          <Allowed to="agent-types:write">
            <RestartAgents type={type} />
            <Button onClick={() => setIsDeleting(true)}>Delete agent type</Button>
          </Allowed>
        }
      />
      <Notice tone="info">
        <p>Saving makes a version. Agents that run keep theirs until they are restarted.</p>
      </Notice>
      <AgentTypeForm
        type={type}
        error={error}
        isPending={isPending}
        onSubmit={(patch) => mutate({ id: type.id, version: type.version, patch })}
      />
      <DeleteAgentType type={type} isOpen={isDeleting} onClose={() => setIsDeleting(false)} />
    </>
  );
}

/** Gives all agents the newest version, a few at a time; its steps are a page. */
function RestartAgents({ type }: { type: AgentType }) {
  const { mutate, error, isPending } = useMutation(restartAgentsOfType);
  const navigate = useNavigate();
  if (type.runtime === "external") return null;
  return (
    <>
      <Button
        isBusy={isPending}
        busyLabel="Starting…"
        onClick={() =>
          mutate(type.id, {
            onSuccess: ({ id }) => navigate({ to: "/system/jobs/$id", params: { id } }),
          })
        }
      >
        Restart its agents
      </Button>
      <FailureNotice failure={error} />
    </>
  );
}

interface DeleteAgentTypeProps {
  type: AgentType;
  isOpen: boolean;
  onClose: () => void;
}

function DeleteAgentType({ type, isOpen, onClose }: DeleteAgentTypeProps) {
  const { mutate, error, isPending } = useMutation(deleteAgentType);
  const navigate = useNavigate();
  return (
    <ConfirmDialog
      title={`Delete ${type.name}?`}
      isOpen={isOpen}
      onClose={onClose}
      act="Delete agent type"
      busyAct="Deleting agent type…"
      isBusy={isPending}
      onConfirm={() => mutate(type.id, { onSuccess: () => navigate({ to: "/agent-types" }) })}
    >
      <p>Its versions go with it. A type that agents still have is kept.</p>
      <FailureNotice failure={error} />
    </ConfirmDialog>
  );
}

import { useMutation, useQuery } from "@tanstack/react-query";
import { Outlet, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { Allowed } from "~/api/permissions";
import {
  type Agent,
  agentQuery,
  deleteAgent,
  restartAgent,
  startAgent,
  stopAgent,
} from "~/api/queries/agents";
import { agentTypeQuery } from "~/api/queries/agentTypes";
import { Button } from "~/components/Button";
import { ButtonLink } from "~/components/ButtonLink";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { type Explained, ExplanationNotice } from "~/components/ExplanationNotice";
import { FailureNotice } from "~/components/FailureNotice";
import { LoadedPage } from "~/components/LoadedPage";
import { Menu } from "~/components/Menu";
import { Notice } from "~/components/Notice";
import { PageHeader } from "~/components/PageHeader";
import { Status } from "~/components/Status";
import { Tabs } from "~/components/Tabs";
import { ChangeAgent } from "./ChangeAgent";
import { statusOf } from "./model";

/** One agent: its state and acts above, one of its parts below. */
export function AgentDetail() {
  const { id } = useParams({ from: "/agents/$id" });
  const query = useQuery(agentQuery(id));
  return (
    <LoadedPage query={query} what="agent" all={{ to: "/agents", name: "All agents" }}>
      {(agent) => <Detail agent={agent} />}
    </LoadedPage>
  );
}

function Detail({ agent }: { agent: Agent }) {
  const place = `/agents/${agent.id}`;
  return (
    <>
      <Header agent={agent} />
      {agent.status_reason && <Reason agent={agent} reason={agent.status_reason} />}
      {agent.restart_required && (
        <Notice tone="info">
          <p>Its type has changed since it started: a restart gives it the newest version.</p>
        </Notice>
      )}
      <Tabs
        label={`Parts of ${agent.name}`}
        tabs={
          agent.is_external
            ? [
                { to: place, name: "Overview" },
                { to: `${place}/connection`, name: "Connection" },
              ]
            : [
                { to: place, name: "Overview" },
                { to: `${place}/chat`, name: "Chat" },
                { to: `${place}/log`, name: "Log" },
              ]
        }
      />
      <Outlet />
    </>
  );
}

/** Why the agent is not simply running, and the place where that is mended. */
function Reason({ agent, reason }: { agent: Agent; reason: Explained }) {
  const type = useQuery(agentTypeQuery(agent.agent_type_id)).data;
  return (
    <ExplanationNotice
      explanation={reason}
      tone={agent.status === "ack_only" ? "warning" : "bad"}
      action={
        type && (
          <ButtonLink to="/settings/providers/$id" params={{ id: type.provider_id }}>
            Open its provider
          </ButtonLink>
        )
      }
    />
  );
}

function Header({ agent }: { agent: Agent }) {
  const [isDeleting, setIsDeleting] = useState(false);
  const [isChanging, setIsChanging] = useState(false);
  const start = useMutation(startAgent);
  const stop = useMutation(stopAgent);
  const restart = useMutation(restartAgent);
  const failure = start.error ?? stop.error ?? restart.error;
  const { tone, word } = statusOf(agent);
  const isWanted = agent.desired_state === "running";
  return (
    <>
      <PageHeader
        title={agent.name}
        facts={<Status tone={tone} word={word} />}
        action={
          <Allowed to="agents:write">
            {/* One button for both, so that whoever pressed it stays on it. */}
            <Button
              kind={isWanted ? "plain" : "primary"}
              isBusy={start.isPending || stop.isPending}
              busyLabel={start.isPending ? "Starting agent…" : "Stopping agent…"}
              onClick={() => (isWanted ? stop : start).mutate(agent.id)}
            >
              {isWanted ? "Stop agent" : "Start agent"}
            </Button>
            {isWanted && (
              <Button isBusy={restart.isPending} onClick={() => restart.mutate(agent.id)}>
                Restart agent
              </Button>
            )}
            <Menu
              label={`More for ${agent.name}`}
              items={[
                { name: "Change agent", onSelect: () => setIsChanging(true) },
                { name: "Delete agent", onSelect: () => setIsDeleting(true) },
              ]}
            />
          </Allowed>
        }
      />
      <FailureNotice failure={failure} />
      {isChanging && <ChangeAgent agent={agent} onClose={() => setIsChanging(false)} />}
      <DeleteAgent agent={agent} isOpen={isDeleting} onClose={() => setIsDeleting(false)} />
    </>
  );
}

interface DeleteAgentProps {
  agent: Agent;
  isOpen: boolean;
  onClose: () => void;
}

function DeleteAgent({ agent, isOpen, onClose }: DeleteAgentProps) {
  const { mutate, error, isPending } = useMutation(deleteAgent);
  const navigate = useNavigate();
  return (
    <ConfirmDialog
      title={`Delete ${agent.name}?`}
      isOpen={isOpen}
      onClose={onClose}
      act="Delete agent"
      busyAct="Stopping and deleting…"
      isBusy={isPending}
      onConfirm={() => mutate(agent.id, { onSuccess: () => navigate({ to: "/agents" }) })}
    >
      <p>It is stopped first. Messages that wait for it are cancelled; its calls stay counted.</p>
      <FailureNotice failure={error} />
    </ConfirmDialog>
  );
}

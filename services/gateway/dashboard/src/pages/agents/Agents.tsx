import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Agent, agentsQuery } from "~/api/queries/agents";
import { ButtonLink } from "~/components/ButtonLink";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { Time } from "~/components/Time";
import { statusOf } from "./model";

/** What runs, what does not, and why. */
export function Agents() {
  const query = useInfiniteQuery(agentsQuery());
  const add = (
    <ButtonLink kind="primary" to="/agents/new">
      New agent
    </ButtonLink>
  );
  return (
    <>
      <PageHeader title="Agents" action={add} />
      <Panel isFlush>
        <PagedList
          query={query}
          what="agents"
          label="Agents"
          columns={COLUMNS}
          keyOf={(agent) => agent.id}
          empty={
            <EmptyState title="No agent yet" action={add}>
              An agent is one instance of an agent type: it answers messages in a container of its
              own, and every model call it makes is limited and counted.
            </EmptyState>
          }
        />
      </Panel>
    </>
  );
}

const COLUMNS: Column<Agent>[] = [
  {
    name: "Name",
    render: ({ id, name }) => (
      <Link to="/agents/$id" params={{ id }}>
        {name}
      </Link>
    ),
  },
  { name: "Status", render: (agent) => <Status {...statusOf(agent)} /> },
  { name: "Runner", render: ({ runner }) => runner ?? "–", isMinor: true },
  {
    name: "Restart",
    render: ({ restart_required }) => (restart_required ? "Its type has changed" : ""),
    isMinor: true,
  },
  { name: "Changed", render: ({ updated_at }) => <Time at={updated_at} />, isMinor: true },
];

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Agent, agentsQuery } from "~/api/queries/agents";
import { ButtonLink } from "~/components/ButtonLink";
import { DataList } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { Loaded } from "~/components/Loaded";
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
        <Loaded query={query} what="agents">
          {({ pages }) => {
            const agents = pages.flatMap((page) => page.data);
            return agents.length === 0 ? (
              <EmptyState title="No agent yet" action={add}>
                An agent is one instance of an agent type: it answers messages in a container of its
                own, and every model call it makes is limited and counted.
              </EmptyState>
            ) : (
              <AgentList
                agents={agents}
                more={query.hasNextPage ? () => query.fetchNextPage() : undefined}
                isLoadingMore={query.isFetchingNextPage}
              />
            );
          }}
        </Loaded>
      </Panel>
    </>
  );
}

interface AgentListProps {
  agents: Agent[];
  more: (() => void) | undefined;
  isLoadingMore: boolean;
}

function AgentList({ agents, more, isLoadingMore }: AgentListProps) {
  return (
    <DataList
      label="Agents"
      rows={agents}
      keyOf={(agent) => agent.id}
      more={more}
      isLoadingMore={isLoadingMore}
      columns={[
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
      ]}
    />
  );
}

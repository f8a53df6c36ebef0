import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { Allowed } from "~/api/permissions";
import { type Agent, agentsQuery } from "~/api/queries/agents";
import { agentTypesQuery } from "~/api/queries/agentTypes";
import { useAgentTypeNames } from "~/api/queries/names";
import { usageByQuery, usageIn } from "~/api/queries/usage";
import { ButtonLink } from "~/components/ButtonLink";
import { Chip, Chips } from "~/components/Chips";
import { DataList } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { Loaded } from "~/components/Loaded";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { StatusShape } from "~/components/Status";
import { FilterSelect, FilterText, Toolbar } from "~/components/Toolbar";
import { count } from "~/format/count";
import { localZone } from "~/format/time";
import { agentColumns } from "./columns";
import { type AgentFilter, agentFilter, passes } from "./filter";
import { countsByStatus, STATUS_WORDS, TONES } from "./model";

/** What runs, what does not, and why. */
export function Agents() {
  const filter = useSearch({ from: "/agents" });
  const query = useInfiniteQuery(agentsQuery());
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const isFiltered = Object.keys(filter).length > 0;
  // A filter looks through all agents, so all are loaded while there is one.
  useEffect(() => {
    if (isFiltered && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [isFiltered, hasNextPage, isFetchingNextPage, fetchNextPage]);
  return (
    <>
      <PageHeader
        title="Agents"
        action={
          <Allowed to="agents:write">
            <ButtonLink to="/agents/connect">Connect external agent</ButtonLink>
            {ADD}
          </Allowed>
        }
      />
      <Loaded query={query} what="agents" lines={8}>
        {({ pages }) => {
          const agents = pages.flatMap((page) => page.data);
          if (agents.length === 0) return <NoAgent />;
          return (
            <>
              <Filters agents={agents} filter={filter} isWhole={!hasNextPage} />
              <Panel isFlush>
                <List
                  agents={agents.filter((agent) => passes(agent, filter))}
                  more={hasNextPage ? () => void fetchNextPage() : undefined}
                  isLoadingMore={isFetchingNextPage}
                />
              </Panel>
            </>
          );
        }}
      </Loaded>
    </>
  );
}

const ADD = (
  <ButtonLink kind="primary" to="/agents/new">
    New agent
  </ButtonLink>
);

function NoAgent() {
  return (
    <Panel>
      <EmptyState title="No agent yet" action={<Allowed to="agents:write">{ADD}</Allowed>}>
        An agent is one instance of an agent type: it answers messages in a container of its own,
        and every model call it makes is limited and counted.
      </EmptyState>
    </Panel>
  );
}

interface FiltersProps {
  agents: Agent[];
  filter: AgentFilter;
  /** Whether all agents are loaded: counts of fewer say so. */
  isWhole: boolean;
}

function Filters({ agents, filter, isWhole }: FiltersProps) {
  const navigate = useNavigate({ from: "/agents" });
  const types = useInfiniteQuery(agentTypesQuery()).data?.pages.flatMap((page) => page.data);
  const more = isWhole ? "" : "+";
  const { status: _, ...others } = filter;
  const narrow = (changes: Partial<Record<keyof AgentFilter, string>>) =>
    navigate({ search: agentFilter({ ...filter, ...changes }), replace: true });
  return (
    <Toolbar>
      <Chips label="Status">
        <Chip to="/agents" search={others} isChosen={filter.status === undefined}>
          All {count(agents.length)}
          {more}
        </Chip>
        {countsByStatus(agents)
          .filter(([status, number]) => number > 0 || status === filter.status)
          .map(([status, number]) => (
            <Chip
              key={status}
              to="/agents"
              search={{ ...filter, status }}
              isChosen={filter.status === status}
            >
              <StatusShape tone={TONES[status]} />
              {STATUS_WORDS[status]} {count(number)}
              {more}
            </Chip>
          ))}
      </Chips>
      <FilterSelect
        label="Agent type"
        value={filter.type ?? ""}
        onChange={(type) => narrow({ type })}
      >
        <option value="">All agent types</option>
        {types?.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </FilterSelect>
      <FilterText
        label="Filter by name"
        value={filter.name ?? ""}
        onChange={(name) => narrow({ name })}
      />
    </Toolbar>
  );
}

interface ListProps {
  agents: Agent[];
  more: (() => void) | undefined;
  isLoadingMore: boolean;
}

function List({ agents, more, isLoadingMore }: ListProps) {
  const typeName = useAgentTypeNames();
  const usage = useInfiniteQuery(usageByQuery("agent", { period: "24h", tz: localZone() })).data;
  if (agents.length === 0) {
    return (
      <EmptyState
        title={isLoadingMore ? "Looking through all agents…" : "No agent matches"}
        action={<ButtonLink to="/agents">Show all agents</ButtonLink>}
      />
    );
  }
  return (
    <DataList
      label="Agents"
      rows={agents}
      keyOf={(agent) => agent.id}
      columns={agentColumns(typeName, usage && usageIn(usage.pages))}
      more={more}
      isLoadingMore={isLoadingMore}
    />
  );
}

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type AgentType, agentTypesQuery } from "~/api/queries/agentTypes";
import type { Column } from "~/components/DataList";
import { DataList } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";
import { modelsAsked } from "./model";

/** The agent types that call through a provider, be it as a fallback: whom a change of it
 *  concerns. */
export function UsedBy({ providerId }: { providerId: string }) {
  const query = useInfiniteQuery(agentTypesQuery());
  return (
    <Panel title="Used by" note="agent types" isFlush>
      <Loaded query={query} what="agent types">
        {({ pages }) => {
          const types = pages
            .flatMap((page) => page.data)
            .filter((type) => modelsAsked(type, providerId).length > 0);
          if (types.length === 0) return <EmptyState title="No agent type uses it" />;
          return (
            <DataList
              label="Used by"
              columns={columnsFor(providerId)}
              rows={types}
              keyOf={(type) => type.id}
            />
          );
        }}
      </Loaded>
    </Panel>
  );
}

const columnsFor = (providerId: string): Column<AgentType>[] => [
  {
    name: "Agent type",
    render: ({ id, name }) => (
      <Link to="/agent-types/$id" params={{ id }}>
        {name}
      </Link>
    ),
  },
  {
    name: "Model",
    render: (type) => <code>{modelsAsked(type, providerId).join(", ")}</code>,
  },
  {
    name: "Delivery",
    render: ({ credential_delivery }) =>
      credential_delivery === "sealed" ? "Sealed" : "Environment",
    isMinor: true,
  },
  {
    name: "Agents",
    render: ({ id }) => (
      <Link to="/agents" search={{ type: id }}>
        Show agents
      </Link>
    ),
    isNumber: true,
    isMinor: true,
  },
];

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Allowed } from "~/api/permissions";
import { type AgentType, agentTypesQuery } from "~/api/queries/agentTypes";
import { ButtonLink } from "~/components/ButtonLink";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Time } from "~/components/Time";

/** The templates that agents are made from. */
export function AgentTypes() {
  const query = useInfiniteQuery(agentTypesQuery());
  const add = (
    <Allowed to="agent-types:write">
      <ButtonLink kind="primary" to="/agent-types/new">
        New agent type
      </ButtonLink>
    </Allowed>
  );
  return (
    <>
      <PageHeader title="Agent types" action={add} />
      <Panel isFlush>
        <PagedList
          query={query}
          what="agent types"
          label="Agent types"
          columns={COLUMNS}
          keyOf={(type) => type.id}
          empty={
            <EmptyState title="No agent type yet" action={add}>
              An agent type says which provider, model and instructions its agents have, and what
              they may use.
            </EmptyState>
          }
        />
      </Panel>
    </>
  );
}

const COLUMNS: Column<AgentType>[] = [
  {
    name: "Name",
    render: ({ id, name }) => (
      <Link to="/agent-types/$id" params={{ id }}>
        {name}
      </Link>
    ),
  },
  { name: "Slug", render: ({ slug }) => <code>{slug}</code>, isMinor: true },
  { name: "Model", render: ({ model }) => <code>{model}</code> },
  { name: "Use case", render: ({ use_case }) => use_case ?? "–", isMinor: true },
  { name: "Version", render: ({ version }) => version, isNumber: true, isMinor: true },
  { name: "Changed", render: ({ updated_at }) => <Time at={updated_at} />, isMinor: true },
];

import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type AgentType, agentTypesQuery } from "~/api/queries/agentTypes";
import { ButtonLink } from "~/components/ButtonLink";
import { DataList } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { Loaded } from "~/components/Loaded";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Time } from "~/components/Time";

/** The templates that agents are made from. */
export function AgentTypes() {
  const query = useInfiniteQuery(agentTypesQuery());
  const add = (
    <ButtonLink kind="primary" to="/agent-types/new">
      New agent type
    </ButtonLink>
  );
  return (
    <>
      <PageHeader title="Agent types" action={add} />
      <Panel isFlush>
        <Loaded query={query} what="agent types">
          {({ pages }) => {
            const types = pages.flatMap((page) => page.data);
            return types.length === 0 ? (
              <EmptyState title="No agent type yet" action={add}>
                An agent type says which provider, model and instructions its agents have, and what
                they may use.
              </EmptyState>
            ) : (
              <AgentTypeList
                types={types}
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

interface AgentTypeListProps {
  types: AgentType[];
  more: (() => void) | undefined;
  isLoadingMore: boolean;
}

function AgentTypeList({ types, more, isLoadingMore }: AgentTypeListProps) {
  return (
    <DataList
      label="Agent types"
      rows={types}
      keyOf={(type) => type.id}
      more={more}
      isLoadingMore={isLoadingMore}
      columns={[
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
      ]}
    />
  );
}

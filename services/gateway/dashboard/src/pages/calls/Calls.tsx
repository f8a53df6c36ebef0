import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { type Call, callsQuery } from "~/api/queries/calls";
import { ButtonLink } from "~/components/ButtonLink";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { Time } from "~/components/Time";
import { count } from "~/format/count";
import { duration } from "~/format/duration";
import { money } from "~/format/money";
import { statusOf, tokensOf } from "./model";

/** What happened in each model call; what was said in it is never stored. */
export function Calls() {
  const filter = useSearch({ from: "/calls" });
  const query = useInfiniteQuery(callsQuery(filter));
  const isFiltered = filter.agent_id !== undefined;
  return (
    <>
      <PageHeader
        title="Calls"
        facts="Every model call and how it ended. Content is never stored."
        action={isFiltered && <ButtonLink to="/calls">Show all calls</ButtonLink>}
      />
      <Panel isFlush>
        <PagedList
          query={query}
          what="calls"
          label="Calls"
          columns={COLUMNS}
          keyOf={(call) => call.call_id}
          empty={
            isFiltered ? (
              <EmptyState title="No call matches" />
            ) : (
              <EmptyState title="No call yet">
                Each request of an agent to a model appears here once it has ended.
              </EmptyState>
            )
          }
        />
      </Panel>
    </>
  );
}

const COLUMNS: Column<Call>[] = [
  {
    name: "Ended",
    render: ({ call_id, recorded_at }) => (
      <Link to="/calls/$id" params={{ id: call_id }}>
        <Time at={recorded_at} />
      </Link>
    ),
  },
  { name: "Model", render: ({ model }) => <code>{model}</code> },
  { name: "Status", render: (call) => <Status {...statusOf(call)} /> },
  {
    name: "Attempts",
    render: ({ attempts }) => attempts.length,
    isNumber: true,
    isMinor: true,
  },
  {
    name: "Time",
    render: ({ duration_ms }) => duration(duration_ms),
    isNumber: true,
    isMinor: true,
  },
  { name: "Tokens", render: (call) => count(tokensOf(call)), isNumber: true, isMinor: true },
  { name: "Cost", render: ({ cost_usd }) => money(cost_usd), isNumber: true, isMinor: true },
];

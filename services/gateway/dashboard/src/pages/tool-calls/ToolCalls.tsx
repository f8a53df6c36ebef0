import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { type NameOf, useAgentNames } from "~/api/queries/names";
import { type ToolCall, type ToolCallFilter, toolCallsQuery } from "~/api/queries/toolCalls";
import { ButtonLink } from "~/components/ButtonLink";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { duration } from "~/format/duration";
import { clock, day } from "~/format/time";
import { CallsTabs } from "~/pages/calls/CallsTabs";
import { statusOf } from "./model";
import { ToolCallFilters } from "./ToolCallFilters";

/** Which tools agents had run, and how that ended; what was asked is never stored. */
export function ToolCalls() {
  const filter = useSearch({ from: "/calls/tools" });
  const query = useInfiniteQuery(toolCallsQuery(filter));
  const nameOf = useAgentNames();
  return (
    <>
      <PageHeader
        title="Tool calls"
        facts="Every tool call that began. Arguments and results are never stored."
      />
      <CallsTabs />
      <ToolCallFilters filter={filter} />
      <Panel isFlush>
        <PagedList
          query={query}
          what="tool calls"
          label="Tool calls"
          columns={columns(filter, nameOf)}
          keyOf={(call) => call.tool_call_id}
          empty={<NoToolCall isFiltered={Object.keys(filter).length > 0} />}
        />
      </Panel>
    </>
  );
}

function NoToolCall({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <EmptyState
        title="No tool call matches"
        action={<ButtonLink to="/calls/tools">Show all tool calls</ButtonLink>}
      />
    );
  }
  return (
    <EmptyState
      title="No tool call in the last 24 hours"
      action={<ButtonLink to="/agent-types">Choose tools of an agent type</ButtonLink>}
    >
      Agents whose type has tools have them run by their runner; each run appears here.
    </EmptyState>
  );
}

function columns(filter: ToolCallFilter, nameOf: NameOf): Column<ToolCall>[] {
  return [
    {
      name: "Started",
      render: ({ tool_call_id, started_at }) => (
        <Link to="/calls/tools/$id" params={{ id: tool_call_id }}>
          <time dateTime={started_at}>
            {day(started_at)} {clock(started_at)}
          </time>
        </Link>
      ),
    },
    { name: "Status", render: (call) => <Status {...statusOf(call)} /> },
    {
      name: "Tool",
      render: ({ tool }) => (
        <Link to="/calls/tools" search={{ ...filter, tool }}>
          <code>{tool}</code>
        </Link>
      ),
    },
    {
      name: "Agent",
      render: ({ agent_id }) => (
        <Link to="/agents/$id" params={{ id: agent_id }}>
          {nameOf(agent_id)}
        </Link>
      ),
      isMinor: true,
    },
    {
      name: "Time",
      render: ({ duration_ms }) => duration(duration_ms),
      isNumber: true,
      isMinor: true,
    },
  ];
}

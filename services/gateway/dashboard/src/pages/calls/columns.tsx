import { Link } from "@tanstack/react-router";
import type { NameOf } from "~/api/queries/names";
import type { Column } from "~/components/DataList";
import { Status } from "~/components/Status";
import { count } from "~/format/count";
import { duration } from "~/format/duration";
import { money } from "~/format/money";
import { clock, day } from "~/format/time";
import type { LiveCall } from "./live";
import { statusOf, tokensOf } from "./model";

type Row = LiveCall & { cost_usd?: number | null };

/** A call that failed before it used anything used none; of others, nobody told. */
function usedTokens(call: Row): string {
  const tokens = tokensOf(call);
  return tokens === null && call.status === "failed" ? "–" : count(tokens);
}

/** The columns of a list of calls, whether heard just now or asked for. */
export function callColumns(nameOf: NameOf): Column<Row>[] {
  return [
    {
      name: "Started",
      render: ({ call_id, started_at }) => (
        <Link to="/calls/$id" params={{ id: call_id }}>
          <time dateTime={started_at}>
            {day(started_at)} {clock(started_at)}
          </time>
        </Link>
      ),
    },
    { name: "Status", render: (call) => <Status {...statusOf(call)} /> },
    {
      name: "Agent",
      render: ({ agent_id }) => (
        <Link to="/agents/$id" params={{ id: agent_id }}>
          {nameOf(agent_id)}
        </Link>
      ),
    },
    { name: "Model", render: ({ model }) => <code>{model}</code>, isMinor: true },
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
    { name: "Tokens", render: usedTokens, isNumber: true, isMinor: true },
    {
      name: "Cost",
      render: ({ cost_usd }) => (cost_usd === undefined ? "–" : money(cost_usd)),
      isNumber: true,
      isMinor: true,
    },
  ];
}

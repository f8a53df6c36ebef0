import { Link } from "@tanstack/react-router";
import type { Agent } from "~/api/queries/agents";
import type { NameOf } from "~/api/queries/names";
import type { UsageRows } from "~/api/queries/usage";
import type { Column } from "~/components/DataList";
import { Status } from "~/components/Status";
import { Time } from "~/components/Time";
import { count } from "~/format/count";
import { money } from "~/format/money";
import { rate } from "~/format/rate";
import { statusOf } from "./model";

/** The columns of a list of agents, with what each used in the last 24 hours. */
export function agentColumns(typeName: NameOf, usage: UsageRows | undefined): Column<Agent>[] {
  const used = new Map(usage?.rows.map((row) => [row.key, row]));
  const absent = usage?.isWhole ? count(0) : "–";
  return [
    {
      name: "Name",
      render: ({ id, name }) => (
        <Link to="/agents/$id" params={{ id }}>
          {name}
        </Link>
      ),
    },
    {
      name: "Status",
      render: (agent) => <Status {...statusOf(agent)} />,
    },
    {
      name: "Type",
      render: ({ agent_type_id }) => (
        <Link to="/agent-types/$id" params={{ id: agent_type_id }}>
          {typeName(agent_type_id)}
        </Link>
      ),
      isMinor: true,
    },
    { name: "Runs on", render: placeOf, isMinor: true },
    {
      name: "Calls, 24 h",
      render: ({ id }) => {
        const row = used.get(id);
        return row ? count(row.calls) : absent;
      },
      isNumber: true,
      isMinor: true,
    },
    {
      name: "Failed",
      render: ({ id }) => {
        const row = used.get(id);
        return row ? rate(row.errors, row.calls) : "–";
      },
      isNumber: true,
      isMinor: true,
    },
    {
      name: "Cost",
      render: ({ id }) => {
        const row = used.get(id);
        return row ? money(row.cost_usd) : "–";
      },
      isNumber: true,
      isMinor: true,
    },
    {
      name: "Changed",
      render: ({ updated_at }) => <Time at={updated_at} />,
      isNumber: true,
      isMinor: true,
    },
  ];
}

function placeOf({ is_external, runner }: Agent): string {
  return is_external ? "Elsewhere" : (runner ?? "–");
}

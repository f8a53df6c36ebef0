import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type AgentStats, agentQuery, agentStatsQuery } from "~/api/queries/agents";
import { agentTypeQuery } from "~/api/queries/agentTypes";
import { usageTimelineQuery } from "~/api/queries/usage";
import { Facts } from "~/components/Facts";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";
import { type Tile, Tiles } from "~/components/Tiles";
import { Time } from "~/components/Time";
import { compact, count } from "~/format/count";
import { duration } from "~/format/duration";
import { spent, unpriced } from "~/format/money";
import { rateOf } from "~/format/rate";
import { clock, localZone } from "~/format/time";
import { LimitsLeft } from "~/pages/budgets/LimitsLeft";
import { CallsChart, TimesChart } from "~/pages/usage/charts";
import styles from "./AgentOverview.module.css";

/** What an agent has done since it was made. */
export function AgentOverview() {
  const { id } = useParams({ from: "/agents/$id" });
  const stats = useQuery(agentStatsQuery(id));
  return (
    <>
      <Loaded query={stats} what="figures">
        {(figures) => (
          <Panel title="Since it was made" note={`as of ${clock(figures.as_of)}, ${localZone()}`}>
            <Tiles tiles={tilesOf(figures)} />
          </Panel>
        )}
      </Loaded>
      <LimitsLeft ofId={id} />
      <LastDay id={id} />
      <Configuration id={id} />
    </>
  );
}

/** What it did in the last 24 hours, hour by hour. */
function LastDay({ id }: { id: string }) {
  const asked = { period: "24h", tz: localZone(), agent_id: id } as const;
  const timeline = useQuery(usageTimelineQuery(asked));
  return (
    <Panel
      title="Last 24 hours"
      note={localZone()}
      action={
        <>
          <Link to="/calls" search={{ agent_id: id }}>
            Calls of this agent
          </Link>
          {" · "}
          <Link to="/calls/tools" search={{ agent_id: id }}>
            Its tool calls
          </Link>
        </>
      }
    >
      <Loaded query={timeline} what="timeline" lines={6}>
        {(told) => (
          <div className={styles.charts}>
            <CallsChart timeline={told} />
            <TimesChart timeline={told} />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function Configuration({ id }: { id: string }) {
  const agent = useQuery(agentQuery(id)).data;
  const type = useQuery({
    ...agentTypeQuery(agent?.agent_type_id ?? ""),
    enabled: agent !== undefined,
  });
  if (!agent) return null;
  return (
    <Panel title="Configuration">
      <Loaded query={type} what="agent type">
        {({ name, model, version }) => (
          <Facts
            facts={[
              [
                "Agent type",
                <Link key="type" to="/agent-types/$id" params={{ id: agent.agent_type_id }}>
                  {name}
                </Link>,
              ],
              ["Model", <code key="model">{model}</code>],
              ["Type version", `${agent.agent_type_version ?? "–"} (newest ${version})`],
              ["Runner", agent.runner ?? "–"],
              ["Started", agent.started_at ? <Time key="started" at={agent.started_at} /> : "–"],
              ["Made", <Time key="made" at={agent.created_at} />],
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function tilesOf(stats: AgentStats): Tile[] {
  return [
    { name: "Messages", figure: compact(stats.messages_processed), note: "processed" },
    {
      name: "Tokens",
      figure: compact(stats.total_tokens),
      note: `${count(stats.input_tokens)} in, ${count(stats.output_tokens)} out`,
    },
    {
      name: "Response time",
      figure: duration(stats.average_response_time_ms),
      note: `p95 ${duration(stats.p95_response_time_ms)}`,
    },
    {
      name: "Failed calls",
      figure: compact(stats.errors),
      note: rateOf(stats.errors, stats.calls),
    },
    {
      name: "Cost",
      figure: spent(stats),
      note: unpriced(stats.unpriced_calls),
    },
  ];
}

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useAgentTypeNames } from "~/api/queries/names";
import {
  earlierSummaryQuery,
  type Summary,
  usageByQuery,
  usageIn,
  usageSummaryQuery,
  usageTimelineQuery,
} from "~/api/queries/usage";
import { BarList } from "~/charts/BarList";
import { Below } from "~/components/Below";
import { EmptyState } from "~/components/EmptyState";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";
import { type Tile, Tiles } from "~/components/Tiles";
import { compact } from "~/format/count";
import { duration } from "~/format/duration";
import { money, spent, unpriced } from "~/format/money";
import { change, rateOf } from "~/format/rate";
import { clock, localZone } from "~/format/time";
import { CallsChart } from "~/pages/usage/charts";
import styles from "./Overview.module.css";

/** What the last 24 hours brought, against the 24 hours before; *children* stand below it. */
export function Today({ children }: { children: ReactNode }) {
  const asked = { period: "24h", tz: localZone() } as const;
  const summary = useQuery(usageSummaryQuery(asked));
  const earlier = useQuery(earlierSummaryQuery(asked)).data;
  const timeline = useQuery(usageTimelineQuery(asked));
  return (
    <>
      <Loaded query={summary} what="figures">
        {(figures) => (
          <>
            <p className={styles.covers}>
              Last 24 hours · {localZone()} · as of {clock(figures.as_of)}
            </p>
            <Tiles tiles={tilesOf(figures, earlier)} />
          </>
        )}
      </Loaded>
      <Below isHeld={summary.isPending}>
        <div className={styles.charts}>
          <Panel>
            <Loaded query={timeline} what="timeline" lines={6}>
              {(told) => <CallsChart timeline={told} />}
            </Loaded>
          </Panel>
          <Below isHeld={timeline.isPending}>
            <Spending asked={asked} />
          </Below>
        </div>
      </Below>
      <Below isHeld={summary.isPending || timeline.isPending}>{children}</Below>
    </>
  );
}

function tilesOf(figures: Summary, earlier: Summary | undefined): Tile[] {
  const against = (before: number | null | undefined, now: number | null) => {
    const told = before == null || now == null ? null : change(now, before);
    return told && `${told} against the day before`;
  };
  return [
    {
      name: "Calls",
      figure: compact(figures.calls),
      note: against(earlier?.calls, figures.calls) ?? `${compact(figures.total_tokens)} tokens`,
    },
    {
      name: "Failed",
      figure: compact(figures.errors),
      note: rateOf(figures.errors, figures.calls),
    },
    {
      name: "Response time, p95",
      figure: duration(figures.p95_response_time_ms),
      note: `median ${duration(figures.p50_response_time_ms)}`,
    },
    {
      name: "Cost",
      figure: spent(figures),
      note: unpriced(figures.unpriced_calls) || against(earlier?.cost_usd, figures.cost_usd),
    },
  ];
}

function Spending({ asked }: { asked: Parameters<typeof usageByQuery>[1] }) {
  const query = useInfiniteQuery(usageByQuery("agent-type", asked));
  const nameOf = useAgentTypeNames();
  return (
    <Panel>
      <Loaded query={query} what="spending" lines={6}>
        {({ pages }) => {
          const { rows } = usageIn(pages);
          const hasCost = rows.some((row) => (row.cost_usd ?? 0) > 0);
          return (
            <div className={styles.spending}>
              <h2 className={styles.figureTitle}>
                {hasCost ? "Cost by agent type" : "Tokens by agent type"}
              </h2>
              {rows.length === 0 && <EmptyState title="Nothing was used yet" />}
              <BarList
                label="By agent type"
                top={6}
                format={hasCost ? money : compact}
                entries={rows.map((row) => ({
                  key: row.key,
                  name: nameOf(row.key),
                  value: hasCost ? (row.cost_usd ?? 0) : row.total_tokens,
                }))}
              />
              <Link to="/usage" search={{ period: "24h", by: "agent-type" }}>
                Usage & costs
              </Link>
            </div>
          );
        }}
      </Loaded>
    </Panel>
  );
}

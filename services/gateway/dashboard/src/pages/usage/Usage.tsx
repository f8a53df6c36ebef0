import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import {
  type Summary,
  type Timeline,
  usageSummaryQuery,
  usageTimelineQuery,
} from "~/api/queries/usage";
import type { Period } from "~/api/usageGroups";
import { Below } from "~/components/Below";
import { Loaded } from "~/components/Loaded";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { type Tile, Tiles } from "~/components/Tiles";
import { compact, counted } from "~/format/count";
import { duration } from "~/format/duration";
import { spent, unpriced } from "~/format/money";
import { rateOf } from "~/format/rate";
import { clock, localZone } from "~/format/time";
import { Budgets } from "~/pages/budgets/Budgets";
import { CallsChart, CostChart, TimesChart, TokensChart } from "./charts";
import { PERIODS, type UsageFilter } from "./filter";
import styles from "./Usage.module.css";
import { UsageBy } from "./UsageBy";

/** Where tokens and money go, and whether that is usual. */
export function Usage() {
  const { period, by }: UsageFilter = useSearch({ from: "/usage" });
  const asked = { period, tz: localZone() };
  const summary = useQuery(usageSummaryQuery(asked));
  const timeline = useQuery(usageTimelineQuery(asked));
  return (
    <>
      <PageHeader title="Usage & costs" action={<Controls />} />
      <Loaded query={summary} what="figures">
        {(figures) => (
          <>
            <p className={styles.covers}>
              The last {PERIODS[period]} · {localZone()} · as of {clock(figures.as_of)}
            </p>
            <Tiles tiles={tilesOf(figures)} />
          </>
        )}
      </Loaded>
      <Below isHeld={summary.isPending}>
        <Loaded query={timeline} what="timeline" lines={6}>
          {(told) => <Charts timeline={told} />}
        </Loaded>
      </Below>
      <Below isHeld={summary.isPending || timeline.isPending}>
        <Budgets />
        <UsageBy by={by} asked={asked} />
      </Below>
    </>
  );
}

function Controls() {
  const { period, by }: UsageFilter = useSearch({ from: "/usage" });
  const navigate = useNavigate({ from: "/usage" });
  return (
    <>
      <select
        aria-label="Period"
        className={styles.period}
        value={period}
        onChange={(event) => navigate({ search: { by, period: event.target.value as Period } })}
      >
        {Object.entries(PERIODS).map(([value, name]) => (
          <option key={value} value={value}>
            Last {name}
          </option>
        ))}
      </select>
      <a
        className={styles.export}
        href={`/api/stats/export.csv?${exported({ period, by })}`}
        download
      >
        Export CSV
      </a>
    </>
  );
}

/** The table that is open, whole: a row for each day and each of whom it is told by. */
function exported({ period, by }: UsageFilter): URLSearchParams {
  return new URLSearchParams({ period, tz: localZone(), by: by.replace("-", "_") });
}

function tilesOf(figures: Summary): Tile[] {
  return [
    {
      name: "Calls",
      figure: compact(figures.calls),
      note: counted(figures.messages_processed, "message"),
    },
    {
      name: "Tokens",
      figure: compact(figures.total_tokens),
      note: `${compact(figures.input_tokens)} in, ${compact(figures.output_tokens)} out`,
    },
    { name: "Cost", figure: spent(figures), note: unpriced(figures.unpriced_calls) },
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
  ];
}

function Charts({ timeline }: { timeline: Timeline }) {
  return (
    <div className={styles.charts}>
      <Panel>
        <TokensChart timeline={timeline} />
      </Panel>
      <Panel>
        <CostChart timeline={timeline} />
      </Panel>
      <Panel>
        <CallsChart timeline={timeline} />
      </Panel>
      <Panel>
        <TimesChart timeline={timeline} />
      </Panel>
    </div>
  );
}

import type { Timeline } from "~/api/queries/usage";
import { Columns } from "~/charts/Columns";
import { Lines } from "~/charts/Lines";
import { compact } from "~/format/count";
import { duration } from "~/format/duration";
import { money, moneyMark } from "~/format/money";
import { bucket } from "~/format/time";
import { isFilling } from "./filling";
import { callSeries, tokenSeries } from "./series";

interface ChartProps {
  timeline: Timeline;
}

/** How many calls there were, and how they ended. */
export function CallsChart({ timeline }: ChartProps) {
  const { interval, data } = timeline;
  return (
    <Columns
      title={`Calls per ${interval}`}
      {...bucketsOf(timeline)}
      format={compact}
      colours={["var(--series-1)", "var(--bad-fill)", "var(--series-other)"]}
      series={callSeries(data)}
    />
  );
}

export function TokensChart({ timeline }: ChartProps) {
  const { interval, data } = timeline;
  return (
    <Columns
      title={`Tokens per ${interval}`}
      {...bucketsOf(timeline)}
      format={compact}
      series={tokenSeries(data)}
    />
  );
}

export function CostChart({ timeline }: ChartProps) {
  const { interval, data } = timeline;
  return (
    <Columns
      title={`Cost per ${interval}`}
      {...bucketsOf(timeline)}
      format={money}
      formatMark={moneyMark}
      none="No call with a price in this period"
      series={[{ name: "priced calls", values: data.map((each) => each.cost_usd ?? 0) }]}
    />
  );
}

/** How long answers took: half of them, and nearly all. */
export function TimesChart({ timeline }: ChartProps) {
  const { data } = timeline;
  return (
    <Lines
      title="Response time"
      buckets={bucketsOf(timeline).buckets}
      format={duration}
      series={[
        { name: "p50", values: data.map((each) => each.p50_response_time_ms) },
        { name: "p95", values: data.map((each) => each.p95_response_time_ms) },
      ]}
    />
  );
}

function bucketsOf({ interval, data, tz, as_of }: Timeline) {
  return {
    buckets: data.map((each) => bucket(each.starts_at, interval, tz)),
    isLastOpen: isFilling(data.at(-1), as_of),
  };
}

import { queryOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import { type Group, LENGTHS_MS, type Period } from "../usageGroups";
import { pagedQuery } from "./pages";

export type Summary = Schemas["UsageSummary"];
export type Timeline = Schemas["UsageTimeline"];

const COUNTED_MS = 15_000;

interface Asked {
  period: Period;
  tz: string;
}

export function usageSummaryQuery(asked: Asked) {
  return queryOptions({
    queryKey: ["usage", "summary", asked],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/stats/usage/summary", { params: { query: asked }, signal })),
    refetchInterval: COUNTED_MS,
  });
}

/** The same figures of the period before, which changes are told against. */
export function earlierSummaryQuery({ period, tz }: Asked) {
  const length = LENGTHS_MS[period];
  const start = Math.floor(Date.now() / ROUNDED_MS) * ROUNDED_MS - 2 * length;
  const query = {
    tz,
    from: new Date(start).toISOString(),
    to: new Date(start + length).toISOString(),
  };
  return queryOptions({
    queryKey: ["usage", "earlier", query],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/stats/usage/summary", { params: { query }, signal })),
    staleTime: ROUNDED_MS,
  });
}

const ROUNDED_MS = 300_000;

export function usageTimelineQuery(asked: Asked & { agent_id?: string }) {
  const interval = asked.period === "24h" ? "hour" : "day";
  return queryOptions({
    queryKey: ["usage", "timeline", asked],
    queryFn: ({ signal }) =>
      answered(
        api.GET("/api/stats/usage/timeline", { params: { query: { ...asked, interval } }, signal }),
      ),
    refetchInterval: COUNTED_MS,
  });
}

/** One row of usage, whatever it is told by; *key* is what links and filters name. */
export interface UsageRow {
  key: string;
  name: string;
  calls: number;
  errors: number;
  total_tokens: number;
  cost_usd: number | null;
  unpriced_calls: number;
  p95_response_time_ms: number | null;
}

export function usageByQuery(group: Group, asked: Asked) {
  return {
    ...pagedQuery(["usage", group, asked], (page, signal) =>
      rowsBy(group, { ...asked, ...page }, signal),
    ),
    refetchInterval: COUNTED_MS,
  };
}

/** Those who used most; *isWhole* says whether there are no others. */
export interface UsageRows {
  rows: UsageRow[];
  isWhole: boolean;
}

/** All that is loaded. Figures grow while pages are asked for, so one may come twice: it is
 *  told once, as it came first. */
export function usageIn(pages: Awaited<ReturnType<typeof rowsBy>>[]): UsageRows {
  const rows = new Map<string, UsageRow>();
  for (const row of pages.flatMap(({ data }) => data))
    if (!rows.has(row.key)) rows.set(row.key, row);
  return { rows: [...rows.values()], isWhole: pages.at(-1)?.next_cursor === null };
}

async function rowsBy(
  group: Group,
  query: Asked & { limit: number; cursor?: string },
  signal: AbortSignal,
) {
  const asked = { params: { query }, signal };
  switch (group) {
    case "agent":
      return named(
        await answered(api.GET("/api/stats/usage/by-agent", asked)),
        (row) => row.agent_id,
      );
    case "agent-type":
      return named(
        await answered(api.GET("/api/stats/usage/by-agent-type", asked)),
        (row) => row.agent_type_id,
      );
    case "provider":
      return named(
        await answered(api.GET("/api/stats/usage/by-provider", asked)),
        (row) => row.provider_id,
      );
    case "model":
      return named(await answered(api.GET("/api/stats/usage/by-model", asked)), (row) => row.model);
    case "use-case":
      return named(
        await answered(api.GET("/api/stats/usage/by-use-case", asked)),
        (row) => row.use_case ?? "",
        "No use case",
      );
    case "label":
      return named(await answered(api.GET("/api/stats/usage/by-label", asked)), (row) => row.label);
  }
}

function named<Row extends Omit<UsageRow, "key" | "name">>(
  table: { data: Row[]; next_cursor: string | null },
  keyOf: (row: Row) => string,
  unnamed = "",
) {
  const data = table.data.map((row): UsageRow => {
    return { ...row, key: keyOf(row), name: keyOf(row) || unnamed };
  });
  return { data, next_cursor: table.next_cursor };
}

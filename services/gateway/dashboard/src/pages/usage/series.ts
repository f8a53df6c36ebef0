import type { Timeline } from "~/api/queries/usage";
import type { Series } from "~/charts/prepare/columns";

type Buckets = Timeline["data"];

/** Calls by how they ended, which add up to all of them. */
export function callSeries(data: Buckets): Series[] {
  const unfinished = data.map((each) => each.cancelled_calls + each.interrupted_calls);
  return [
    {
      name: "answered",
      values: data.map((each, at) => each.calls - each.errors - (unfinished[at] ?? 0)),
    },
    { name: "failed", values: data.map((each) => each.errors) },
    { name: "broken off", values: unfinished },
  ];
}

/** Tokens by what they were, which add up to all of them. */
export function tokenSeries(data: Buckets): Series[] {
  return [
    { name: "input", values: data.map((each) => each.input_tokens) },
    { name: "from cache", values: data.map((each) => each.cached_input_tokens) },
    { name: "output", values: data.map((each) => each.output_tokens) },
    {
      name: "to cache",
      values: data.map((each) => each.cache_write_5m_tokens + each.cache_write_1h_tokens),
    },
  ];
}

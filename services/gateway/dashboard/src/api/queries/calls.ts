import { queryOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import type { Period } from "../usageGroups";
import { pagedQuery } from "./pages";

export type Call = Schemas["Call"];
export type Attempt = Schemas["AttemptRecord"];

export type CallStatus = Schemas["CallStatus"];

/** What of the calls is shown; the API spells it so too. */
export interface CallFilter {
  period?: Period;
  agent_id?: string;
  agent_type_id?: string;
  provider_id?: string;
  model?: string;
  status?: CallStatus;
  code?: string;
}

export function callsQuery(filter: CallFilter) {
  return pagedQuery(["calls", filter], (page, signal) =>
    answered(api.GET("/api/calls", { params: { query: { ...page, ...filter } }, signal })),
  );
}

/** The calls that failed last, for a glance. */
export function latestFailuresQuery(limit: number) {
  return queryOptions({
    queryKey: ["latest-failures", limit],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/calls", { params: { query: { status: "failed", limit } }, signal })),
  });
}

/** The newest call of an agent, asked for until there is one. */
export function firstCallQuery(agentId: string) {
  const query = { agent_id: agentId, limit: 1 };
  return queryOptions({
    queryKey: ["calls", "first", agentId],
    queryFn: ({ signal }) => answered(api.GET("/api/calls", { params: { query }, signal })),
    refetchInterval: ({ state }) => (state.data?.data.length ? false : AWAITED_MS),
  });
}

const AWAITED_MS = 2_000;

export function callQuery(id: string) {
  return queryOptions({
    queryKey: ["call", id],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/calls/{id}", { params: { path: { id } }, signal })),
  });
}

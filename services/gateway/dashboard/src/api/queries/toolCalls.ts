import { queryOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import type { Period } from "../usageGroups";
import { pagedQuery } from "./pages";

export type ToolCall = Schemas["ToolCall"];
export type ToolCallStatus = Schemas["ToolCallStatus"];

/** What of the tool calls is shown; the API spells it so too. */
export interface ToolCallFilter {
  period?: Period;
  agent_id?: string;
  message_id?: string;
  tool?: string;
  status?: ToolCallStatus;
  code?: string;
}

const COUNTED_MS = 10_000;

export function toolCallsQuery(filter: ToolCallFilter) {
  return {
    ...pagedQuery(["tool-calls", filter], (page, signal) =>
      answered(api.GET("/api/tool-calls", { params: { query: { ...page, ...filter } }, signal })),
    ),
    refetchInterval: COUNTED_MS,
  };
}

export function toolCallQuery(id: string) {
  return queryOptions({
    queryKey: ["tool-call", id],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/tool-calls/{id}", { params: { path: { id } }, signal })),
  });
}

import { queryOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import { pagedQuery } from "./pages";

export type Call = Schemas["Call"];
export type Attempt = Schemas["AttemptRecord"];

export interface CallFilter {
  agent_id?: string;
}

export function callsQuery(filter: CallFilter) {
  return pagedQuery(["calls", filter], (page, signal) =>
    answered(api.GET("/api/calls", { params: { query: { ...page, ...filter } }, signal })),
  );
}

export function callQuery(id: string) {
  return queryOptions({
    queryKey: ["call", id],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/calls/{id}", { params: { path: { id } }, signal })),
  });
}

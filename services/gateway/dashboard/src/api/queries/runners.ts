import { mutationOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import { pagedQuery } from "./pages";

export type Runner = Schemas["Runner"];

const RUNNERS = ["runners"] as const;
const RENEWED_MS = 5_000;

/** No event tells that a runner is lost, or back. */
export function runnersQuery() {
  return {
    ...pagedQuery(RUNNERS, (query, signal) =>
      answered(api.GET("/api/runners", { params: { query }, signal })),
    ),
    refetchInterval: RENEWED_MS,
  };
}

export const drainRunner = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.POST("/api/runners/{id}/drain", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: RUNNERS }),
});

export const undrainRunner = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.POST("/api/runners/{id}/undrain", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: RUNNERS }),
});

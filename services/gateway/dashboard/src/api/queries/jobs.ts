import { mutationOptions, queryOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import { pagedQuery } from "./pages";

export type Job = Schemas["Job"];
export type JobStep = Schemas["JobStep"];
export type Rotation = Schemas["Rotation"];

const JOBS = ["jobs"] as const;
const STEP_MS = 1_000;
const LISTED_MS = 5_000;

export function jobsQuery() {
  return {
    ...pagedQuery(JOBS, (query, signal) =>
      answered(api.GET("/api/jobs", { params: { query }, signal })),
    ),
    refetchInterval: LISTED_MS,
  };
}

/** A rotation or rolling restart, asked for anew until it has ended. */
export function jobQuery(id: string) {
  return queryOptions({
    queryKey: [...JOBS, id],
    queryFn: async ({ signal }) =>
      (await answered(api.GET("/api/jobs/{id}", { params: { path: { id } }, signal }))) as Job,
    refetchInterval: ({ state }) => (state.data?.status === "running" ? STEP_MS : false),
  });
}

/** Test the new, move what uses the old, restart its agents; the answer is a job. */
export const rotateProvider = mutationOptions({
  mutationFn: ({ id, rotation }: { id: string; rotation: Rotation }) =>
    answered(api.POST("/api/providers/{id}/rotate", { params: { path: { id } }, body: rotation })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: JOBS }),
});

/** Restart the agents of a type, a few at a time; the answer is a job. */
export const restartAgentsOfType = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.POST("/api/agent-types/{id}/restart", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: JOBS }),
});

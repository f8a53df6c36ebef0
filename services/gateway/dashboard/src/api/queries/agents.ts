import {
  type InfiniteData,
  mutationOptions,
  type QueryClient,
  queryOptions,
} from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import { pagedQuery } from "./pages";

export type Agent = Schemas["Agent"];
export type AgentStatus = Schemas["AgentStatus"];
export type AgentStats = Schemas["AgentStats"];
export type NewAgent = Schemas["NewAgent"];
export type BaseUrls = Schemas["BaseUrls"];
export type AgentSubmission = Schemas["AgentSubmission"];

const AGENTS = ["agents"] as const;

export function agentsQuery() {
  return {
    ...pagedQuery(AGENTS, (query, signal) =>
      answered(api.GET("/api/agents", { params: { query }, signal })),
    ),
    refetchInterval: ({ state }: { state: { data?: AgentPages | undefined } }) =>
      intervalOf(state.data),
  };
}

type AgentPages = InfiniteData<{ data: Agent[] }>;

/** Agents change without an event that tells: a short list is asked for again, sooner
 *  while one is on its way. A long one would be asked for page by page. */
function intervalOf(list: AgentPages | undefined): number | false {
  if (!list || list.pages.length > 1) return false;
  return list.pages.some(({ data }) => data.some(isMoving)) ? SOON_MS : OFTEN_MS;
}

export function agentQuery(id: string) {
  return queryOptions({
    queryKey: [...AGENTS, id],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/agents/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (isMoving(state.data) ? SOON_MS : OFTEN_MS),
  });
}

/** What an agent used and how it fared since it was made. */
export function agentStatsQuery(id: string) {
  return queryOptions({
    queryKey: ["agent-stats", id],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/agents/{id}/stats", { params: { path: { id } }, signal })),
    refetchInterval: COUNTED_MS,
  });
}

export function agentLogsQuery(id: string) {
  return queryOptions({
    queryKey: [...AGENTS, id, "logs"],
    queryFn: ({ signal }) =>
      // The other kind of answer, events, is for who asks to follow.
      answered(api.GET("/api/agents/{id}/logs", { params: { path: { id } }, signal })) as Promise<
        Schemas["LastLines"]
      >,
    refetchInterval: LOG_MS,
  });
}

export const createAgent = mutationOptions({
  mutationFn: (body: AgentSubmission) => answered(api.POST("/api/agents", { body })),
  onSuccess: (_, __, ___, { client }) => refresh(client),
});

export const startAgent = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.POST("/api/agents/{id}/start", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => refresh(client),
});

export const stopAgent = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.POST("/api/agents/{id}/stop", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => refresh(client),
});

export const restartAgent = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.POST("/api/agents/{id}/restart", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => refresh(client),
});

export const deleteAgent = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.DELETE("/api/agents/{id}", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => refresh(client),
});

export const updateAgent = mutationOptions({
  mutationFn: ({ id, patch }: { id: string; patch: Schemas["AgentPatch"] }) =>
    answered(api.PATCH("/api/agents/{id}", { params: { path: { id } }, body: patch })),
  onSuccess: (_, __, ___, { client }) => refresh(client),
});

/** Another token for an external agent: the answer alone shows it. */
export const replaceToken = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.POST("/api/agents/{id}/token", { params: { path: { id } } })),
});

export const revokeToken = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.DELETE("/api/agents/{id}/token", { params: { path: { id } } })),
});

const SOON_MS = 1_000;
const OFTEN_MS = 10_000;
const LOG_MS = 3_000;
const COUNTED_MS = 10_000;

function isMoving(agent: Agent | undefined): boolean {
  return agent?.status === "starting" || agent?.status === "stopping";
}

function refresh(client: QueryClient) {
  return client.invalidateQueries({ queryKey: AGENTS });
}

import { mutationOptions, type QueryClient, queryOptions } from "@tanstack/react-query";
import { answered, api, ifStill, type Schemas } from "../client";
import { BUDGETS } from "./budgets";
import { wholeQuery } from "./pages";

export type AgentType = Schemas["AgentType"];
export type AgentTypeBudget = Schemas["AgentTypeBudget"];
export type AgentTypeBudgetSubmission = Schemas["AgentTypeBudgetSubmission"];
export type AgentTypeSubmission = Schemas["AgentTypeSubmission"];
export type Fallback = Schemas["Fallback-Input"];
export type Residency = Schemas["Residency-Input"];
export type McpServerTools = Schemas["McpServerTools-Input"];
export type HttpRequestTool = Schemas["HttpRequestTool-Input"];
export type AgentRuntime = Schemas["AgentRuntime"];
export type CredentialDelivery = Schemas["CredentialDelivery"];
type AgentTypePatch = Schemas["AgentTypePatch"];

const AGENT_TYPES = ["agent-types"] as const;

export function agentTypesQuery() {
  return wholeQuery(AGENT_TYPES, (query, signal) =>
    answered(api.GET("/api/agent-types", { params: { query }, signal })),
  );
}

export function agentTypeQuery(id: string) {
  return queryOptions({
    queryKey: [...AGENT_TYPES, id],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/agent-types/{id}", { params: { path: { id } }, signal })),
  });
}

export const createAgentType = mutationOptions({
  mutationFn: (body: AgentTypeSubmission) => answered(api.POST("/api/agent-types", { body })),
  onSuccess: (_, __, ___, { client }) => forgetTypes(client),
});

interface AgentTypeChange {
  id: string;
  /** The one that *patch* was made of. */
  version: number;
  patch: AgentTypePatch;
}

export const updateAgentType = mutationOptions({
  mutationFn: ({ id, version, patch }: AgentTypeChange) =>
    answered(
      api.PATCH("/api/agent-types/{id}", {
        params: { path: { id }, header: ifStill(version) },
        body: patch,
      }),
    ),
  onSuccess: (_, __, ___, { client }) => forgetTypes(client),
});

export const deleteAgentType = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.DELETE("/api/agent-types/{id}", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => forgetTypes(client),
});

/** Ask anew for agent types, and for the list of budgets, in which theirs are. */
function forgetTypes(client: QueryClient): Promise<unknown> {
  return Promise.all([
    client.invalidateQueries({ queryKey: AGENT_TYPES }),
    client.invalidateQueries({ queryKey: BUDGETS, exact: true }),
  ]);
}

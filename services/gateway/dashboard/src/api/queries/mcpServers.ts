import { mutationOptions, queryOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import { pagedQuery } from "./pages";

export type McpServer = Schemas["McpServer"];
export type McpTool = Schemas["McpTool"];
export type McpToolStatus = Schemas["McpToolStatus"];
export type McpToolShown = Schemas["McpToolShown"];

const SERVERS = ["mcp-servers"] as const;

export function mcpServersQuery() {
  return pagedQuery(SERVERS, (query, signal) =>
    answered(api.GET("/api/mcp-servers", { params: { query }, signal })),
  );
}

export function mcpServerQuery(id: string) {
  return queryOptions({
    queryKey: [...SERVERS, id],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/mcp-servers/{id}", { params: { path: { id } }, signal })),
  });
}

/** Asks the server itself, so only when somebody looks or asks again. */
export function mcpToolsQuery(id: string) {
  return queryOptions({
    queryKey: [...SERVERS, id, "tools"],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/mcp-servers/{id}/tools", { params: { path: { id } }, signal })),
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export const createMcpServer = mutationOptions({
  mutationFn: (body: Schemas["McpServerSubmission"]) =>
    answered(api.POST("/api/mcp-servers", { body })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: SERVERS }),
});

export const replaceMcpToken = mutationOptions({
  mutationFn: ({ id, token }: { id: string; token: string | null }) =>
    answered(api.PATCH("/api/mcp-servers/{id}", { params: { path: { id } }, body: { token } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: SERVERS }),
});

/** Only the list is asked for anew: the server itself is not there any more. */
export const deleteMcpServer = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.DELETE("/api/mcp-servers/{id}", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) =>
    client.invalidateQueries({ queryKey: SERVERS, exact: true }),
});

interface Approval {
  id: string;
  tools: McpToolShown[];
}

/** Approve exactly what was shown; what has changed since is refused. */
export const approveMcpTools = mutationOptions({
  mutationFn: ({ id, tools }: Approval) =>
    answered(
      api.POST("/api/mcp-servers/{id}/tools/approve", {
        params: { path: { id } },
        body: { tools },
      }),
    ),
  onSettled: (_, __, ___, ____, { client }) => client.invalidateQueries({ queryKey: SERVERS }),
});

export const withdrawMcpTool = mutationOptions({
  mutationFn: ({ id, name }: { id: string; name: string }) =>
    answered(
      api.POST("/api/mcp-servers/{id}/tools/withdraw", {
        params: { path: { id } },
        body: { tools: [name] },
      }),
    ),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: SERVERS }),
});

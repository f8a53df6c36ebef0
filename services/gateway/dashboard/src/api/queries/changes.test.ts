import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

let asked: Request[] = [];

beforeEach(() => {
  asked = [];
  vi.stubGlobal("window", { location: { origin: "http://127.0.0.1:8080" } });
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push(request);
    return Response.json({});
  });
});
afterEach(() => vi.unstubAllGlobals());

test("a form that names all of a thing overwrites no change that it has not seen", async () => {
  const { updateAgentType } = await import("./agentTypes");
  const { updateProvider } = await import("./providers");
  const client = new QueryClient();
  const change = { id: "a", version: 3, patch: {} };

  await client.getMutationCache().build(client, updateAgentType).execute(change);
  await client.getMutationCache().build(client, updateProvider).execute(change);

  expect(asked.map(({ headers }) => headers.get("If-Match"))).toEqual(['"3"', '"3"']);
});

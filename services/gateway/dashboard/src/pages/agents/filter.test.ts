import { expect, test } from "vitest";
import type { Agent } from "~/api/queries/agents";
import { agentFilter, passes } from "./filter";

const agent = { name: "Support-1", status: "running", agent_type_id: "t1" } as Agent;

test("an address that nobody could have chosen filters nothing", () => {
  expect(agentFilter({ status: "polished", type: 3, name: "" })).toEqual({});
});

test.each([
  [{}, true],
  [{ status: "running" as const, name: "support" }, true],
  [{ status: "error" as const }, false],
  [{ type: "t2" }, false],
  [{ name: "research" }, false],
])("the filter %j lets an agent pass: %s", (filter, isShown) => {
  expect(passes(agent, filter)).toBe(isShown);
});

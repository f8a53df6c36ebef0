import { expect, test } from "vitest";
import type { Agent } from "~/api/queries/agents";
import type { UsageRows } from "~/api/queries/usage";
import { agentColumns } from "./columns";

function callsTold(usage: UsageRows | undefined) {
  const column = agentColumns(String, usage).find(({ name }) => name === "Calls, 24 h");
  return column?.render({ id: "a" } as Agent);
}

test("an agent has called nobody only if usage tells of all that did", () => {
  expect(callsTold({ rows: [], isWhole: true })).toBe("0");
  expect(callsTold({ rows: [], isWhole: false })).toBe("–");
  expect(callsTold(undefined)).toBe("–");
});

import { expect, test } from "vitest";
import type { McpTool } from "~/api/queries/mcpServers";
import { asShown, isApprovable, toolTold } from "./model";

const TOOL = { name: "look", fingerprint: "ab", status: "new", problem: null } as McpTool;

test("a tool that cannot be approved says why", () => {
  const told = toolTold({ status: "unusable", problem: "It hides something." });

  expect(told.reason).toBe("It hides something.");
});

test("what is new or has changed can be approved, and nothing else", () => {
  const can = (["new", "approved", "changed", "gone", "unusable"] as const).filter((status) =>
    isApprovable({ status }),
  );

  expect(can).toEqual(["new", "changed"]);
});

test("an approval is of what was shown", () => {
  expect(asShown([TOOL, { ...TOOL, name: "b", fingerprint: null }])).toEqual([
    { name: "look", fingerprint: "ab" },
  ]);
});

import { expect, test } from "vitest";
import { KEPT, type LiveCall, newestFirst, passes } from "./live";

function call(call_id: string, changes: Partial<LiveCall> = {}): LiveCall {
  return { call_id, agent_id: "a", model: "m", status: "completed", ...changes } as LiveCall;
}

test("what was heard last stands first", () => {
  const shown = newestFirst([call("1")], [call("2"), call("3")]);

  expect(shown.map((each) => each.call_id)).toEqual(["3", "2", "1"]);
});

test("the oldest are let go, so that a view of any length stays quick", () => {
  const many = Array.from({ length: KEPT }, (_, at) => call(`${at}`));

  expect(newestFirst(many, [call("new")])).toHaveLength(KEPT);
});

test.each([
  [{}, true],
  [{ period: "7d" as const }, true],
  [{ agent_id: "a", status: "completed" as const }, true],
  [{ status: "failed" as const }, false],
  [{ code: "RATE_LIMITED" }, false],
])("the filter %j lets a call pass: %s", (filter, isShown) => {
  expect(passes(call("1"), filter)).toBe(isShown);
});

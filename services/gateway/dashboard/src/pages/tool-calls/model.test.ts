import { expect, test } from "vitest";
import { statusOf, toolCallFilter } from "./model";

test("the filter is what the address says and somebody could have chosen", () => {
  const address = { tool: "http_request", status: "refused", period: "7d", agent_id: "" };

  expect(toolCallFilter(address)).toEqual({
    tool: "http_request",
    status: "refused",
    period: "7d",
  });
  expect(toolCallFilter({ status: "interrupted", period: "1y", tool: 5 })).toEqual({});
});

test("what gave nothing tells its code", () => {
  expect(statusOf({ status: "failed", code: "TOOL_TIMED_OUT" })).toEqual({
    tone: "bad",
    word: "Failed",
    reason: "TOOL_TIMED_OUT",
  });
  expect(statusOf({ status: "completed", code: null })).toEqual({ tone: "ok", word: "Completed" });
});

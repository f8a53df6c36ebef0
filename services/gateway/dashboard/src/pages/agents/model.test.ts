import { describe, expect, test } from "vitest";
import type { Agent } from "~/api/queries/agents";
import { countsByStatus, statusOf } from "./model";

function agent(changes: Partial<Agent> = {}): Agent {
  return {
    id: "01",
    name: "helper-1",
    agent_type_id: "02",
    agent_type_version: 1,
    desired_state: "running",
    status: "running",
    status_reason: null,
    restart_required: false,
    runner: "runner-1",
    version: 1,
    created_at: "2026-11-22T00:00:00Z",
    updated_at: "2026-11-22T00:00:00Z",
    started_at: null,
    ...changes,
  } as Agent;
}

describe("an agent's status", () => {
  test("that is well needs no reason", () => {
    expect(statusOf(agent())).toEqual({ tone: "ok", word: "Running" });
  });
  test("gives the reason it was given", () => {
    const status_reason = {
      code: "INVALID_API_KEY",
      provider_error: null,
      message: "The provider refuses the key.",
      cause: "",
      fix: "",
      retryable: false,
    };

    expect(statusOf(agent({ status: "ack_only", status_reason })).reason).toBe(
      "The provider refuses the key.",
    );
  });
  test("says when it is not what was asked for", () => {
    expect(statusOf(agent({ status: "stopped" })).reason).toBe("Is to start");
  });
});

test("agents are counted by status, trouble first", () => {
  const counts = countsByStatus([agent(), agent({ status: "error" }), agent()]);

  expect(counts[0]).toEqual(["error", 1]);
  expect(counts.find(([status]) => status === "running")).toEqual(["running", 2]);
});

import { describe, expect, test } from "vitest";
import type { Alert } from "~/api/queries/alerts";
import { callsOf, evidenceTold, statusOf } from "./model";

const NOW = Date.UTC(2026, 10, 22, 12);

function alert(changes: Partial<Alert> = {}): Alert {
  return {
    rule: "error_rate",
    status: "open",
    subject: { kind: "agent", key: "a1" },
    silenced_until: null,
    evidence: {
      figure: 0.091,
      threshold: 0.05,
      baseline: 0.008,
      unit: "failed of all calls",
      since: "2026-11-22T11:50:00Z",
      until: "2026-11-22T12:00:00Z",
      calls: "/api/calls",
    },
    ...changes,
  } as Alert;
}

describe("an alert", () => {
  test("tells what was seen against what is usual", () => {
    expect(evidenceTold(alert())).toContain(
      "Failed of all calls: 9.1 % · alerts from 5 % · usual 0.8 %",
    );
  });
  test("without a history says nothing of what is usual", () => {
    const evidence = { ...alert().evidence, baseline: null };

    expect(evidenceTold(alert({ evidence }))).not.toContain("usual");
  });
  test("leads to its failed calls", () => {
    expect(callsOf(alert(), NOW)).toEqual({ agent_id: "a1", status: "failed" });
    expect(callsOf(alert({ rule: "slow_responses" }), NOW)).toEqual({ agent_id: "a1" });
  });
  test("of a provider leads to its calls, of a budget to all", () => {
    const provider = { kind: "provider", key: "p1" } as const;
    const budget = { kind: "budget", key: "b1" } as const;

    expect(callsOf(alert({ rule: "credential_expiry", subject: provider }), NOW)).toEqual({
      provider_id: "p1",
    });
    expect(callsOf(alert({ rule: "budget_spent", subject: budget }), NOW)).toEqual({});
  });
  test.each([
    [1, undefined],
    [3, "7d"],
    [29, "30d"],
    [400, "90d"],
  ])("that was seen %s days ago leads to the calls of then", (days, period) => {
    const asked = callsOf(alert(), NOW + (days - 0.5) * 86_400_000);

    expect(asked.period).toBe(period);
  });
  test("is silenced only while its silence lasts", () => {
    expect(statusOf(alert({ silenced_until: "2026-11-22T12:01:00Z" }), NOW).word).toBe("Silenced");
    expect(statusOf(alert({ silenced_until: "2026-11-22T11:59:00Z" }), NOW).word).toBe("Open");
  });
});

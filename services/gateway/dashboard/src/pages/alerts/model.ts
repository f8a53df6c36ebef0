import type { Alert } from "~/api/queries/alerts";
import type { CallFilter } from "~/api/queries/calls";
import { LENGTHS_MS } from "~/api/usageGroups";
import type { Tone } from "~/components/Status";
import { compact } from "~/format/count";
import { duration } from "~/format/duration";
import { rate } from "~/format/rate";
import { clock } from "~/format/time";

export const RULE_NAMES: Record<Alert["rule"], string> = {
  token_spike: "Unusual token consumption",
  error_rate: "High error rate",
  slow_responses: "Slow responses",
  unpriced_model: "Model without a price",
  budget_spent: "Budget used up, or soon",
  credential_expiry: "Credentials that end",
  agent_in_error: "Agent in error",
};

const LONGER = ["7d", "30d", "90d"] as const;
const FILTER_OF = { agent: "agent_id", model: "model", provider: "provider_id" } as const;

/** Whether an alert still needs somebody. */
export function statusOf(alert: Alert, now: number): { tone: Tone; word: string } {
  if (alert.status === "resolved") return { tone: "off", word: "Resolved" };
  if (isSilenced(alert, now)) return { tone: "off", word: "Silenced" };
  return { tone: alert.rule === "unpriced_model" ? "warning" : "bad", word: "Open" };
}

export function isSilenced({ silenced_until }: Alert, now: number): boolean {
  return silenced_until !== null && new Date(silenced_until).getTime() > now;
}

/** A figure of the evidence in its own unit: a share, a time or a number. */
function figure({ unit }: Alert["evidence"], value: number): string {
  if (unit.startsWith("failed")) return rate(value, 1);
  if (unit.startsWith("ms")) return duration(value);
  return compact(value);
}

/** What was seen, against what, in a line. */
export function evidenceTold({ evidence }: Alert): string {
  const { threshold, baseline, unit, since, until } = evidence;
  const words = unit.replace(/^ms /, "");
  const parts = [
    `${words[0]?.toUpperCase()}${words.slice(1)}: ${figure(evidence, evidence.figure)}`,
    `alerts from ${figure(evidence, threshold)}`,
    ...(baseline === null ? [] : [`usual ${figure(evidence, baseline)}`]),
    `${clock(since)}–${clock(until)}`,
  ];
  return parts.join(" · ");
}

/** The calls behind an alert, as the page of calls filters them. */
export function callsOf({ subject, rule, evidence }: Alert, now: number): CallFilter {
  return {
    ...periodSince(evidence.since, now),
    ...(subject.kind !== "budget" && { [FILTER_OF[subject.kind]]: subject.key }),
    ...(rule === "error_rate" && { status: "failed" }),
  };
}

/** The shortest period that holds a moment; that of the last 24 hours needs no name. */
function periodSince(moment: string, now: number): CallFilter {
  const age = now - Date.parse(moment);
  if (age < LENGTHS_MS["24h"]) return {};
  return { period: LONGER.find((each) => age < LENGTHS_MS[each]) ?? "90d" };
}

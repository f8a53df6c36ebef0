import type { Call, CallFilter } from "~/api/queries/calls";

/** A call as its event tells it: counted, and not priced yet. */
export type LiveCall = Omit<Call, "recorded_at" | "cost_usd" | "price_version" | "unpriced_reason">;

export const KEPT = 2_000;

/** Put the newest calls before those that are there; the oldest are let go. */
export function newestFirst(shown: LiveCall[], heard: LiveCall[]): LiveCall[] {
  return [...heard.toReversed(), ...shown].slice(0, KEPT);
}

/** Whether a call passes the filter that the API was asked with. */
export function passes(call: LiveCall, filter: CallFilter): boolean {
  return (
    isWanted(filter.agent_id, call.agent_id) &&
    isWanted(filter.agent_type_id, call.agent_type_id) &&
    isWanted(filter.provider_id, call.provider_id) &&
    isWanted(filter.model, call.model) &&
    isWanted(filter.status, call.status) &&
    isWanted(filter.code, call.explanation?.code)
  );
}

function isWanted(wanted: string | undefined, found: string | undefined): boolean {
  return wanted === undefined || wanted === found;
}

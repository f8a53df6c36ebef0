import type { CallFilter, CallStatus } from "~/api/queries/calls";
import type { Period } from "~/api/usageGroups";
import { PERIODS } from "~/pages/usage/filter";
import { STATUS_WORDS } from "./model";

const IDS = ["agent_id", "agent_type_id", "provider_id", "model", "code"] as const;

/** Read the filter from the address; what nobody could have chosen is left out. */
export function callFilter(search: Record<string, unknown>): CallFilter {
  const { period, status } = search;
  const ids = IDS.flatMap((name) => {
    const value = search[name];
    return typeof value === "string" && value ? [[name, value] as const] : [];
  });
  return {
    ...Object.fromEntries(ids),
    ...(typeof period === "string" && period in PERIODS && { period: period as Period }),
    ...(typeof status === "string" && status in STATUS_WORDS && { status: status as CallStatus }),
  };
}

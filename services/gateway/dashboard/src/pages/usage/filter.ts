import { GROUPS, type Group, type Period } from "~/api/usageGroups";

export const PERIODS: Record<Period, string> = {
  "24h": "24 hours",
  "7d": "7 days",
  "30d": "30 days",
  "90d": "90 days",
};

export interface UsageFilter {
  period: Period;
  by: Group;
}

/** Read the filter from the address; what nobody could have chosen becomes the usual. */
export function usageFilter(search: Record<string, unknown>): UsageFilter {
  const { period, by } = search;
  return {
    period: typeof period === "string" && period in PERIODS ? (period as Period) : "24h",
    by: GROUPS.find((group) => group === by) ?? "agent",
  };
}

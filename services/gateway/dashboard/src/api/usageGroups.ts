/** What usage can be told by, as the API spells it. */
export const GROUPS = ["agent", "agent-type", "provider", "model", "use-case", "label"] as const;
export type Group = (typeof GROUPS)[number];

export type Period = "24h" | "7d" | "30d" | "90d";

const DAY_MS = 86_400_000;

/** How long periods are, the shortest first. */
export const LENGTHS_MS: Record<Period, number> = {
  "24h": DAY_MS,
  "7d": 7 * DAY_MS,
  "30d": 30 * DAY_MS,
  "90d": 90 * DAY_MS,
};

/** What usage can be told by, as the API spells it. */
export const GROUPS = ["agent", "agent-type", "provider", "model", "use-case", "label"] as const;
export type Group = (typeof GROUPS)[number];

export type Period = "24h" | "7d" | "30d" | "90d";

import { mutationOptions, queryOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import { pagedQuery } from "./pages";

export type Alert = Schemas["Alert"];
export type AlertRule = Schemas["AlertRule"];
export type AlertStatus = Schemas["AlertStatus"];

const ALERTS = ["alerts"] as const;
const ALERT_RULES = ["alert-rules"] as const;
const LOOKED_MS = 30_000;

export function alertsQuery(status: AlertStatus | undefined) {
  return {
    ...pagedQuery([...ALERTS, status], (page, signal) =>
      answered(
        api.GET("/api/alerts", {
          params: { query: { ...page, ...(status && { status }) } },
          signal,
        }),
      ),
    ),
    refetchInterval: LOOKED_MS,
  };
}

export function alertRulesQuery() {
  return queryOptions({
    queryKey: ALERT_RULES,
    queryFn: ({ signal }) => answered(api.GET("/api/alert-rules", { signal })),
  });
}

/** Tell nobody of an alert until then; null tells of it again. */
export const silenceAlert = mutationOptions({
  mutationFn: ({ id, until }: { id: string; until: string | null }) =>
    answered(api.POST("/api/alerts/{id}/silence", { params: { path: { id } }, body: { until } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: ALERTS }),
});

export const updateAlertRule = mutationOptions({
  mutationFn: (body: Schemas["AlertRuleChange"]) =>
    answered(api.PATCH("/api/alert-rules", { body })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: ALERT_RULES }),
});

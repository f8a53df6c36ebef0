import { mutationOptions, queryOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import { pagedQuery } from "./pages";

export type Webhook = Schemas["Webhook"];
export type Delivery = Schemas["Delivery"];
export type DeliveryAttempt = Schemas["DeliveryAttempt"];
export type DeliveryStatus = Schemas["DeliveryStatus"];
export type EventName = Schemas["EventName"];

const WEBHOOKS = ["webhooks"] as const;
const LOOKED_MS = 5_000;

export function webhooksQuery() {
  return pagedQuery(WEBHOOKS, (query, signal) =>
    answered(api.GET("/api/webhooks", { params: { query }, signal })),
  );
}

export function webhookQuery(id: string) {
  return queryOptions({
    queryKey: [...WEBHOOKS, id],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/webhooks/{id}", { params: { path: { id } }, signal })),
    refetchInterval: LOOKED_MS,
  });
}

export function deliveriesQuery(id: string, status: DeliveryStatus | undefined) {
  return {
    ...pagedQuery([...WEBHOOKS, id, "deliveries", status], (page, signal) =>
      answered(
        api.GET("/api/webhooks/{id}/deliveries", {
          params: { path: { id }, query: { ...page, ...(status && { status }) } },
          signal,
        }),
      ),
    ),
    refetchInterval: LOOKED_MS,
  };
}

export const createWebhook = mutationOptions({
  mutationFn: (body: Pick<Schemas["NewWebhook"], "name" | "url" | "events">) =>
    answered(api.POST("/api/webhooks", { body: { ...body, enabled: true } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: WEBHOOKS }),
});

interface WebhookChange {
  id: string;
  patch: Schemas["WebhookPatch"];
}

export const updateWebhook = mutationOptions({
  mutationFn: ({ id, patch }: WebhookChange) =>
    answered(api.PATCH("/api/webhooks/{id}", { params: { path: { id } }, body: patch })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: WEBHOOKS }),
});

/** Only the list is asked for anew: the webhook itself is not there any more. */
export const deleteWebhook = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.DELETE("/api/webhooks/{id}", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) =>
    client.invalidateQueries({ queryKey: WEBHOOKS, exact: true }),
});

/** One delivery, tried once; the answer tells what came of it. */
export const testWebhook = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.POST("/api/webhooks/{id}/test", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: WEBHOOKS }),
});

/** Send again, under the same ids, whatever has failed since then. */
export const replayFailed = mutationOptions({
  mutationFn: ({ id, since }: { id: string; since: string }) =>
    answered(
      api.POST("/api/webhooks/{id}/replay", {
        params: { path: { id } },
        body: { failed_since: since },
      }),
    ),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: WEBHOOKS }),
});

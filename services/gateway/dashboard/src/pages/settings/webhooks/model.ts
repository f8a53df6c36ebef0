import type {
  Delivery,
  DeliveryAttempt,
  DeliveryStatus,
  EventName,
  Webhook,
} from "~/api/queries/webhooks";
import type { Tone } from "~/components/Status";
import { duration } from "~/format/duration";

/** Every event, under the name that its deliveries carry; what most ask for comes first. */
export const EVENTS: EventName[] = [
  "alert.opened",
  "alert.resolved",
  "budget.reached",
  "limit.reached",
  "provider.credential_expiring",
  "provider.credential_expired",
  "job.advanced",
  "message.finished",
  "call.finished",
  "tool_call.finished",
];

export const EVENT_CHOICES = EVENTS.map((event) => ({ value: event, name: event }));

export const EVENTS_AT_FIRST: EventName[] = ["alert.opened", "alert.resolved"];

interface Told {
  tone: Tone;
  word: string;
  reason?: string;
}

/** Whether a webhook is told of anything, and if it was switched off, by what. */
export function webhookTold({
  enabled,
  disabled_reason,
}: Pick<Webhook, "enabled" | "disabled_reason">): Told {
  if (enabled) return { tone: "ok", word: "Enabled" };
  if (disabled_reason === null) return { tone: "off", word: "Disabled" };
  return { tone: "bad", word: "Disabled", reason: disabled_reason };
}

const DELIVERY_TOLD: Record<DeliveryStatus, Told> = {
  pending: { tone: "busy", word: "Waiting" },
  delivered: { tone: "ok", word: "Delivered" },
  failed: { tone: "bad", word: "Failed" },
};

export function deliveryTold({ status }: Pick<Delivery, "status">): Told {
  return DELIVERY_TOLD[status];
}

/** What came of one request: `HTTP 503 in 34 ms`, or why there was no answer. */
export function attemptTold({ http_status, error, duration_ms }: DeliveryAttempt): string {
  return http_status === null
    ? (error ?? "No answer")
    : `HTTP ${http_status} in ${duration(duration_ms)}`;
}

/** A filter of deliveries as the address holds it. */
export function deliveryFilter({ status }: Record<string, unknown>): { status?: DeliveryStatus } {
  return typeof status === "string" && Object.hasOwn(DELIVERY_TOLD, status)
    ? { status: status as DeliveryStatus }
    : {};
}

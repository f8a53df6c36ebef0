import { expect, test } from "vitest";
import { attemptTold, deliveryFilter, EVENTS, EVENTS_AT_FIRST, webhookTold } from "./model";

const ATTEMPT = { at: "2026-11-22T13:05:09Z", http_status: null, error: null, duration_ms: 34 };

test("a webhook that was switched off for a reason tells it as a failure", () => {
  const told = webhookTold({ enabled: false, disabled_reason: "The receiver answered 410." });

  expect(told).toEqual({ tone: "bad", word: "Disabled", reason: "The receiver answered 410." });
});

test("a webhook that somebody switched off is no failure", () => {
  expect(webhookTold({ enabled: false, disabled_reason: null }).tone).toBe("off");
});

test("an attempt is told by its answer and how long that took", () => {
  expect(attemptTold({ ...ATTEMPT, http_status: 503 })).toBe("HTTP 503 in 34 ms");
});

test("an attempt without an answer tells why", () => {
  expect(attemptTold({ ...ATTEMPT, error: "The host is unknown." })).toBe("The host is unknown.");
});

test("a status in the address that no delivery has filters nothing", () => {
  expect(deliveryFilter({ status: "failed" })).toEqual({ status: "failed" });
  expect(deliveryFilter({ status: "toString" })).toEqual({});
  expect(deliveryFilter({ status: 7 })).toEqual({});
});

test("what a webhook is told of at first can be chosen, and nothing twice", () => {
  expect(EVENTS).toEqual(expect.arrayContaining(EVENTS_AT_FIRST));
  expect(new Set(EVENTS).size).toBe(EVENTS.length);
});

import { expect, test } from "vitest";
import type { Timeline } from "~/api/queries/usage";
import { isFilling } from "./filling";

const endingAt = (ends_at: string) => ({ ends_at }) as Timeline["data"][number];

test("the last hour of a period that ends now still fills", () => {
  const last = endingAt("2026-11-29T20:33:47.639307Z");

  expect(isFilling(last, "2026-11-29T20:33:47.640629Z")).toBe(true);
});

test("the last hour of a period that is over is whole, and where there is none none fills", () => {
  expect(isFilling(endingAt("2026-11-28T12:30:00Z"), "2026-11-29T20:33:47Z")).toBe(false);
  expect(isFilling(undefined, "2026-11-29T20:33:47Z")).toBe(false);
});

import { expect, test } from "vitest";
import { EVENT_NAMES, madeOldBy } from "./events";

test("a call makes usage old, but not the calls: a page of them hears each", () => {
  expect(madeOldBy("call.finished")).toContainEqual(["usage"]);
  expect(madeOldBy("call.finished")).not.toContainEqual(["calls"]);
});

test("an event that nobody shows makes nothing old", () => {
  expect(madeOldBy("runner.polished")).toEqual([]);
});

test.each(EVENT_NAMES)("%s is heard for something", (name) => {
  expect(madeOldBy(name)).not.toEqual([]);
});

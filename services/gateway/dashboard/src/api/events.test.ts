import { QueryClient } from "@tanstack/react-query";
import { afterEach, expect, test, vi } from "vitest";
import { EVENT_NAMES, followEvents, madeOldBy } from "./events";
import { ME } from "./me";

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

class Source extends EventTarget {
  static readonly CLOSED = 2;
  static last: Source;
  readyState = 0;

  constructor() {
    super();
    Source.last = this;
  }

  close() {
    this.readyState = Source.CLOSED;
  }
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("what happened while the stream was refused is asked for once it is back", () => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", Source);
  vi.stubGlobal("document", { hidden: false });
  const client = new QueryClient();
  client.setQueryData(["calls"], []);
  client.setQueryData(ME, null);
  const stop = followEvents(client);

  Source.last.close();
  vi.advanceTimersByTime(3_000);
  const whileGone = client.getQueryState(["calls"])?.isInvalidated;
  const isAsked = client.getQueryState(ME)?.isInvalidated;
  Source.last.dispatchEvent(new Event("open"));
  stop();

  expect([whileGone, isAsked]).toEqual([false, true]);
  expect(client.getQueryState(["calls"])?.isInvalidated).toBe(true);
});

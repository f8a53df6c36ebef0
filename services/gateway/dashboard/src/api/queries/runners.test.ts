import { afterEach, expect, test, vi } from "vitest";

afterEach(() => vi.unstubAllGlobals());

test("runners are asked for again and again: no event tells that one is lost", async () => {
  vi.stubGlobal("window", { location: { origin: "http://127.0.0.1:8080" } });
  const { runnersQuery } = await import("./runners");

  expect(runnersQuery().refetchInterval).toBeGreaterThan(0);
});

import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const ROW = { calls: 1, errors: 0, total_tokens: 1, cost_usd: null };
const PAGES = new Map([
  [
    null,
    {
      data: [
        { ...ROW, model: "a" },
        { ...ROW, model: "b" },
      ],
      next_cursor: "2",
    },
  ],
  [
    "2",
    {
      data: [
        { ...ROW, model: "b" },
        { ...ROW, model: "c" },
      ],
      next_cursor: null,
    },
  ],
]);

beforeEach(() => {
  vi.stubGlobal("window", { location: { origin: "http://127.0.0.1:8080" } });
  vi.stubGlobal("fetch", async ({ url }: Request) =>
    Response.json(PAGES.get(new URL(url).searchParams.get("cursor"))),
  );
});
afterEach(() => vi.unstubAllGlobals());

test("usage goes on to its last row, and tells nobody twice", async () => {
  const { usageByQuery, usageIn } = await import("./usage");
  const query = usageByQuery("model", { period: "24h", tz: "UTC" });
  const client = new QueryClient();

  const begun = await client.fetchInfiniteQuery(query);
  const whole = await client.fetchInfiniteQuery({ ...query, pages: 2 });

  expect(usageIn(begun.pages).isWhole).toBe(false);
  expect(usageIn(whole.pages).isWhole).toBe(true);
  expect(usageIn(whole.pages).rows.map(({ key }) => key)).toEqual(["a", "b", "c"]);
});

import { QueryClient } from "@tanstack/react-query";
import { expect, test } from "vitest";
import { wholeQuery } from "./pages";

const LAST = { data: ["oldest"], next_cursor: null };
const PAGES: Record<string, { data: string[]; next_cursor: string }> = {
  first: { data: ["newest"], next_cursor: "second" },
  second: { data: ["older"], next_cursor: "last" },
};

test("what is chosen from is there to its end, also where pages are short", async () => {
  const ask = async ({ cursor = "first" }: { cursor?: string }) => PAGES[cursor] ?? LAST;

  const { pages } = await new QueryClient().fetchInfiniteQuery(wholeQuery(["types"], ask));

  expect(pages).toEqual([{ data: ["newest", "older", "oldest"], next_cursor: null }]);
});

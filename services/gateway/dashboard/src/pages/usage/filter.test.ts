import { expect, test } from "vitest";
import { usageFilter } from "./filter";

test("the address says period and grouping", () => {
  expect(usageFilter({ period: "30d", by: "model" })).toEqual({ period: "30d", by: "model" });
});

test.each([{}, { period: "1y", by: "__proto__" }, { period: 7, by: null }])(
  "an address that makes no sense (%j) shows the usual",
  (search) => {
    expect(usageFilter(search)).toEqual({ period: "24h", by: "agent" });
  },
);

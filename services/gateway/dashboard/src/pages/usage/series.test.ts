import { expect, test } from "vitest";
import type { Timeline } from "~/api/queries/usage";
import type { Series } from "~/charts/prepare/columns";
import { callSeries, tokenSeries } from "./series";

const BUCKET = {
  calls: 20,
  errors: 3,
  cancelled_calls: 2,
  interrupted_calls: 1,
  total_tokens: 11_111,
  input_tokens: 1,
  cached_input_tokens: 10,
  cache_write_5m_tokens: 100,
  cache_write_1h_tokens: 1_000,
  output_tokens: 10_000,
} as Timeline["data"][number];

const total = (series: Series[]) => series.reduce((sum, { values }) => sum + (values[0] ?? 0), 0);

test("tokens that were written to a cache are drawn, too", () => {
  expect(total(tokenSeries([BUCKET]))).toBe(BUCKET.total_tokens);
});

test("a call that nobody waited for or that was cut off is not called answered", () => {
  const [answered] = callSeries([BUCKET]);

  expect(answered).toEqual({ name: "answered", values: [14] });
  expect(total(callSeries([BUCKET]))).toBe(BUCKET.calls);
});

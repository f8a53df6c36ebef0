import { expect, test } from "vitest";
import { priceOf } from "./model";

test("dollars are sent as they were written, and what was left empty is not sent", () => {
  const form = new FormData();
  form.set("provider_type", "openai");
  form.set("model", " my-model ");
  form.set("input", "0.0000001");
  form.set("output", "10");
  form.set("cached_input", "");

  expect(priceOf(form, new Date(0))).toEqual({
    provider_type: "openai",
    model: "my-model",
    effective_from: "1970-01-01T00:00:00.000Z",
    usd_per_million_tokens: { input: "0.0000001", output: "10" },
  });
});

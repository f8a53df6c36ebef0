import { expect, test } from "vitest";
import { submissionOf, suggestedSlug } from "./model";

test.each([
  ["Support agent", "support-agent"],
  ["  Überprüfer (EU) ", "uberprufer-eu"],
  ["---", ""],
])("the slug of %j is %j", (name, slug) => {
  expect(suggestedSlug(name)).toBe(slug);
});

test("numbers left empty are not set, and a written 0 is 0", () => {
  const form = new FormData();
  form.set("name", " Support ");
  form.set("temperature", "0");
  form.set("max_tokens", "");

  expect(submissionOf(form)).toMatchObject({ name: "Support", temperature: 0, max_tokens: null });
});

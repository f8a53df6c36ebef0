import { expect, test } from "vitest";
import { labelsOf, labelsTold, submissionOf, suggestedSlug } from "./model";

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

test("an agent's key is sealed unless one chooses otherwise", () => {
  const form = new FormData();

  expect(submissionOf(form).credential_delivery).toBe("sealed");
  form.set("credential_delivery", "environment");
  expect(submissionOf(form).credential_delivery).toBe("environment");
});

test.each([
  ["", {}],
  ["zone=eu, gpu = a100 ,", { zone: "eu", gpu: "a100" }],
  ["image=a=b", { image: "a=b" }],
])("the labels %j are %j", (words, labels) => {
  expect(labelsOf(words)).toEqual(labels);
});

test("labels are told as they are written", () => {
  expect(labelsTold({ zone: "eu", gpu: "a100" })).toBe("zone=eu, gpu=a100");
});

import { expect, test } from "vitest";
import { PLACES } from "./navigation";
import { press } from "./shortcuts";

test("a question mark asks for help", () => {
  expect(press("", "?")).toEqual({ prefix: "", act: { kind: "help" } });
});

test("a slash goes to the filter", () => {
  expect(press("", "/")).toEqual({ prefix: "", act: { kind: "filter" } });
});

test.each(PLACES)("g and its letter lead to $name", ({ to, letter }) => {
  const { prefix } = press("", "g");

  expect(press(prefix, letter)).toEqual({ prefix: "", act: { kind: "go", to } });
});

test("no two pages have one letter", () => {
  expect(new Set(PLACES.map(({ letter }) => letter)).size).toBe(PLACES.length);
});

test("a letter that is no page's leads nowhere, and what was begun is over", () => {
  expect(press("g", "?")).toEqual({ prefix: "" });
  expect(press("", "a")).toEqual({ prefix: "" });
});

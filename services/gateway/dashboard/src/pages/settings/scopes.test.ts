import { expect, test } from "vitest";
import { scopesOf, scopesTold } from "./scopes";

test("a role has the scopes of those below it, and none of those above", () => {
  expect(scopesOf("viewer")).toContain("agents:read");
  expect(scopesOf("viewer")).not.toContain("agents:write");
  expect(scopesOf("admin")).toEqual(expect.arrayContaining(scopesOf("operator")));
  expect(scopesOf("admin")).not.toContain("master-key:write");
});

test.each([
  [null, "all of it"],
  [["agents:read"], "only agents:read"],
  [["agents:read", "usage:read", "self"], "3 scopes"],
] as const)("the scopes %j are told in a line", (scopes, told) => {
  expect(scopesTold(scopes && [...scopes])).toBe(told);
});

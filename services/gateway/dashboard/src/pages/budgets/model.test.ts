import { expect, test } from "vitest";
import type { Budget } from "~/api/queries/budgets";
import { budgetOf, patchOf, standingTold } from "./model";

function form(fields: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

test("a budget of the organization names nothing in it, and its dollars are not rounded", () => {
  const fields = { name: "All", kind: "organization", amount: "250.10", measure: "usd" };

  expect(budgetOf(form(fields), "Europe/Berlin")).toEqual({
    name: "All",
    scope: { kind: "organization", id: null },
    period: "month",
    time_zone: "Europe/Berlin",
    mode: "hard",
    usd: "250.10",
  });
});

test("a budget of tokens counts tokens", () => {
  const fields = { name: "a", kind: "agent", id: "01", amount: "5000", measure: "tokens" };

  expect(budgetOf(form(fields), "UTC")).toMatchObject({
    scope: { kind: "agent", id: "01" },
    tokens: 5000,
  });
});

test.each([
  [{ usd: 250 }, { usd: "300.10" }],
  [{ usd: null }, { tokens: 300.1 }],
])("a budget that is there goes on counting what it counts (%j)", (budget, amount) => {
  const fields = { name: "All", amount: "300.10", mode: "warn", warn_at_percent: "90" };

  expect(patchOf(form(fields), budget)).toEqual({
    name: "All",
    mode: "warn",
    warn_at_percent: 90,
    ...amount,
  });
});

test("a budget stands in its own measure", () => {
  const dollars = { usd: 250, tokens: null, used: 184.2, period: "day" } as Budget;
  const tokens = { usd: null, tokens: 5000, used: 120, period: "month" } as Budget;

  expect(standingTold(dollars)).toBe("$184.20 of $250.00 used today");
  expect(standingTold(tokens)).toBe("120 of 5,000 tokens used this month");
});

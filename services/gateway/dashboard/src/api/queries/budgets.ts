import { mutationOptions, queryOptions } from "@tanstack/react-query";
import { answered, api, ifStill, type Schemas } from "../client";
import { wholeQuery } from "./pages";

export type Budget = Schemas["Budget"];
export type BudgetSubmission = Schemas["BudgetSubmission"];
export type BudgetPatch = Schemas["BudgetPatch"];
export type LimitStanding = Schemas["LimitStanding"];
export type ScopeKind = Schemas["ScopeKind"];

export const BUDGETS = ["budgets"] as const;
const USED_MS = 10_000;
const LEFT_MS = 5_000;

export function budgetsQuery() {
  return {
    ...wholeQuery(BUDGETS, (query, signal) =>
      answered(api.GET("/api/budgets", { params: { query }, signal })),
    ),
    refetchInterval: USED_MS,
  };
}

export function budgetQuery(id: string) {
  return queryOptions({
    queryKey: [...BUDGETS, id],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/budgets/{id}", { params: { path: { id } }, signal })),
  });
}

export const createBudget = mutationOptions({
  mutationFn: (body: BudgetSubmission) => answered(api.POST("/api/budgets", { body })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: BUDGETS }),
});

interface BudgetChange {
  id: string;
  /** The one that *patch* was made of. */
  version: number;
  patch: BudgetPatch;
}

export const updateBudget = mutationOptions({
  mutationFn: ({ id, version, patch }: BudgetChange) =>
    answered(
      api.PATCH("/api/budgets/{id}", {
        params: { path: { id }, header: ifStill(version) },
        body: patch,
      }),
    ),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: BUDGETS }),
});

export const deleteBudget = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.DELETE("/api/budgets/{id}", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: BUDGETS }),
});

/** How the limits of an agent or a provider stand now. */
export function limitsQuery(of_id: string) {
  return queryOptions({
    queryKey: ["limits", of_id],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/limits", { params: { query: { of_id } }, signal })),
    refetchInterval: LEFT_MS,
  });
}

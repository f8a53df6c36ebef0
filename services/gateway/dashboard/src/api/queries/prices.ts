import { mutationOptions, queryOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import { pagedQuery } from "./pages";

export type Price = Schemas["PriceOverride"];
export type PriceSubmission = Schemas["PriceOverrideSubmission"];
export type Repricing = Schemas["Repricing"];

const PRICES = ["prices"] as const;
const JOB_MS = 1_000;

/** The organization's own prices, which come before the price book's. */
export function pricesQuery() {
  return pagedQuery(PRICES, (query, signal) =>
    answered(api.GET("/api/prices", { params: { query }, signal })),
  );
}

export const setPrice = mutationOptions({
  mutationFn: (body: PriceSubmission) => answered(api.PUT("/api/prices", { body })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: PRICES }),
});

export const removePrice = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.DELETE("/api/prices/{id}", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: PRICES }),
});

/** Price the calls of a period anew; the answer is a job. */
export const reprice = mutationOptions({
  mutationFn: (body: { from: string; to: string }) =>
    answered(api.POST("/api/prices/reprice", { body })),
});

export function repricingQuery(id: string | undefined) {
  return queryOptions({
    queryKey: ["repricing", id],
    queryFn: ({ signal }) =>
      answered(
        api.GET("/api/prices/repricings/{id}", { params: { path: { id: id ?? "" } }, signal }),
      ),
    enabled: id !== undefined,
    refetchInterval: ({ state }) => (state.data?.status === "running" ? JOB_MS : false),
  });
}

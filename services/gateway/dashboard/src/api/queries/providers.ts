import { mutationOptions, queryOptions } from "@tanstack/react-query";
import { answered, api, ifStill, type Schemas } from "../client";
import { wholeQuery } from "./pages";

export type Provider = Schemas["Provider"];
export type ProviderSubmission = Schemas["ProviderSubmission"];
export type ProviderPatch = Schemas["ProviderPatch"];
export type ProviderType = Schemas["ProviderType"];

const PROVIDERS = ["providers"] as const;

export function providersQuery() {
  return wholeQuery(PROVIDERS, (query, signal) =>
    answered(api.GET("/api/providers", { params: { query }, signal })),
  );
}

export function providerQuery(id: string) {
  return queryOptions({
    queryKey: [...PROVIDERS, id],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/providers/{id}", { params: { path: { id } }, signal })),
  });
}

export function iamPolicyQuery(id: string) {
  return queryOptions({
    queryKey: [...PROVIDERS, id, "iam-policy"],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/providers/{id}/iam-policy", { params: { path: { id } }, signal })),
  });
}

export const createProvider = mutationOptions({
  mutationFn: (submission: ProviderSubmission) =>
    answered(api.POST("/api/providers", { body: submission })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: PROVIDERS }),
});

interface ProviderChange {
  id: string;
  /** The one that *patch* was made of, if it names what it leaves as it is. */
  version?: number;
  patch: ProviderPatch;
}

export const updateProvider = mutationOptions({
  mutationFn: ({ id, version, patch }: ProviderChange) =>
    answered(
      api.PATCH("/api/providers/{id}", {
        params: { path: { id }, header: version === undefined ? {} : ifStill(version) },
        body: patch,
      }),
    ),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: PROVIDERS }),
});

export const deleteProvider = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.DELETE("/api/providers/{id}", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: PROVIDERS }),
});

/** One cheap real call with the stored key. */
export const testProvider = mutationOptions({
  mutationFn: ({ id, model }: { id: string; model?: string }) =>
    answered(
      api.POST("/api/providers/{id}/test", {
        params: { path: { id } },
        body: model ? { model } : {},
      }),
    ),
});

/** The same before anything is stored. */
export const tryProvider = mutationOptions({
  mutationFn: (trial: ProviderSubmission) =>
    answered(api.POST("/api/providers/test", { body: trial })),
});

export function liveModelsQuery(id: string) {
  return queryOptions({
    queryKey: [...PROVIDERS, id, "models"],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/providers/{id}/models", { params: { path: { id } }, signal })),
    staleTime: LISTED_MS,
  });
}

const LISTED_MS = 300_000;

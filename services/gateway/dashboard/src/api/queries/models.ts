import { queryOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import type { ProviderType } from "./providers";

export type Model = Schemas["ModelView"];
export type Task = Schemas["TaskView"];

const BARELY_CHANGES_MS = 600_000;

/** The models of a provider type, with what they cost and which tasks they are for. */
export function modelsQuery(provider_type: ProviderType) {
  return queryOptions({
    queryKey: ["models", provider_type],
    queryFn: ({ signal }) =>
      answered(api.GET("/api/models", { params: { query: { provider_type } }, signal })),
    staleTime: BARELY_CHANGES_MS,
  });
}

import { mutationOptions, queryOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";
import { pagedQuery } from "./pages";

export type ApiKey = Schemas["ApiKeyView"];
export type Role = Schemas["Role"];
export type AuditEntry = Schemas["AuditEntry"];
export type AuditFinding = Schemas["AuditFinding"];
export type AuditVerification = Schemas["AuditVerification"];
export type MasterKey = Schemas["MasterKeyState"];

const API_KEYS = ["api-keys"] as const;
const MASTER_KEY = ["master-key"] as const;
const JOB_MS = 1_000;

export function apiKeysQuery() {
  return pagedQuery(API_KEYS, (query, signal) =>
    answered(api.GET("/api/api-keys", { params: { query }, signal })),
  );
}

export const createApiKey = mutationOptions({
  mutationFn: (body: Schemas["ApiKeySubmission"]) => answered(api.POST("/api/api-keys", { body })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: API_KEYS }),
});

export const revokeApiKey = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.DELETE("/api/api-keys/{id}", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: API_KEYS }),
});

export function auditQuery() {
  return pagedQuery(["audit"], (query, signal) =>
    answered(api.GET("/api/audit", { params: { query }, signal })),
  );
}

export const verifyAudit = mutationOptions({
  mutationFn: () => answered(api.POST("/api/audit/verify", {})),
});

export function masterKeyQuery() {
  return queryOptions({
    queryKey: MASTER_KEY,
    queryFn: ({ signal }) => answered(api.GET("/api/master-key", { signal })),
    refetchInterval: ({ state }) => (state.data?.rewrap?.status === "running" ? JOB_MS : false),
  });
}

export const freezeSecrets = mutationOptions({
  mutationFn: () => answered(api.POST("/api/master-key/freeze", {})),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: MASTER_KEY }),
});

export const unfreezeSecrets = mutationOptions({
  mutationFn: () => answered(api.POST("/api/master-key/unfreeze", {})),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: MASTER_KEY }),
});

export const rewrapDataKeys = mutationOptions({
  mutationFn: () => answered(api.POST("/api/master-key/rewrap", {})),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: MASTER_KEY }),
});

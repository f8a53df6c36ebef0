import type { ApiKey, Role } from "~/api/queries/administration";
import type { Permission } from "~/api/queries/session";

/** What an API key can be narrowed to, and the least role that may it. */
const LEAST_ROLES: Record<Exclude<Permission, "self">, Role> = {
  "agent-types:read": "viewer",
  "agent-types:write": "operator",
  "agents:read": "viewer",
  "agents:write": "operator",
  "alerts:read": "viewer",
  "alerts:write": "operator",
  "api-keys:read": "admin",
  "api-keys:write": "admin",
  "audit:read": "admin",
  "budgets:read": "viewer",
  "budgets:write": "operator",
  "dead-letters:read": "viewer",
  "dead-letters:write": "operator",
  "events:read": "viewer",
  "jobs:read": "viewer",
  "master-key:read": "owner",
  "master-key:write": "owner",
  "mcp-servers:read": "viewer",
  "mcp-servers:write": "admin",
  "messages:read": "viewer",
  "messages:write": "operator",
  "organization:read": "viewer",
  "organization:write": "admin",
  "prices:read": "viewer",
  "prices:write": "admin",
  "providers:read": "viewer",
  "providers:write": "operator",
  "runners:read": "viewer",
  "runners:write": "operator",
  "usage:read": "viewer",
  "users:read": "admin",
  "users:write": "admin",
  "webhooks:read": "viewer",
  "webhooks:write": "admin",
};

const RANKS: Record<Role, number> = { viewer: 0, operator: 1, admin: 2, owner: 3 };

/** The scopes that a key of a role can have: others would allow it nothing. */
export function scopesOf(role: Role): Permission[] {
  const entries = Object.entries(LEAST_ROLES) as [Permission, Role][];
  return entries.filter(([, least]) => RANKS[least] <= RANKS[role]).map(([scope]) => scope);
}

/** More scopes than these are told by how many they are. */
export const TOLD_WHOLE = 2;

/** What a key may, in a line: its scopes, or how many they are. */
export function scopesTold(scopes: ApiKey["scopes"]): string {
  if (scopes === null) return "all of it";
  if (scopes.length <= TOLD_WHOLE) return `only ${scopes.join(", ")}`;
  return `${scopes.length} scopes`;
}

"""What there is to be allowed, and which role may what: the one table of both."""

from enum import StrEnum
from typing import Self

__all__ = ["Permission", "Role", "permissions_of"]


class Role(StrEnum):
    """What a principal is in its organization; each may do all that those below may."""

    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"

    def includes(self, other: "Role") -> bool:
        ranked = list(Role)
        return ranked.index(self) <= ranked.index(other)


class Permission(StrEnum):
    """What a route needs, and the *least_role* that has it.

    The values are also the scopes that an API key may have. `SELF` is what everybody
    has: to see and change what concerns oneself alone.
    """

    least_role: Role

    def __new__(cls, value: str, least_role: Role) -> Self:
        permission = str.__new__(cls, value)
        permission._value_ = value
        permission.least_role = least_role
        return permission

    SELF = "self", Role.VIEWER
    AGENT_TYPES_READ = "agent-types:read", Role.VIEWER
    AGENT_TYPES_WRITE = "agent-types:write", Role.OPERATOR
    AGENTS_READ = "agents:read", Role.VIEWER
    AGENTS_WRITE = "agents:write", Role.OPERATOR
    ALERTS_READ = "alerts:read", Role.VIEWER
    ALERTS_WRITE = "alerts:write", Role.OPERATOR
    API_KEYS_READ = "api-keys:read", Role.ADMIN
    API_KEYS_WRITE = "api-keys:write", Role.ADMIN
    AUDIT_READ = "audit:read", Role.ADMIN
    BUDGETS_READ = "budgets:read", Role.VIEWER
    BUDGETS_WRITE = "budgets:write", Role.OPERATOR
    DEAD_LETTERS_READ = "dead-letters:read", Role.VIEWER
    DEAD_LETTERS_WRITE = "dead-letters:write", Role.OPERATOR
    EVENTS_READ = "events:read", Role.VIEWER
    JOBS_READ = "jobs:read", Role.VIEWER
    MASTER_KEY_READ = "master-key:read", Role.OWNER
    MASTER_KEY_WRITE = "master-key:write", Role.OWNER
    MCP_SERVERS_READ = "mcp-servers:read", Role.VIEWER
    MCP_SERVERS_WRITE = "mcp-servers:write", Role.ADMIN
    MESSAGES_READ = "messages:read", Role.VIEWER
    MESSAGES_WRITE = "messages:write", Role.OPERATOR
    ORGANIZATION_READ = "organization:read", Role.VIEWER
    ORGANIZATION_WRITE = "organization:write", Role.ADMIN
    PRICES_READ = "prices:read", Role.VIEWER
    PRICES_WRITE = "prices:write", Role.ADMIN
    PROVIDERS_READ = "providers:read", Role.VIEWER
    PROVIDERS_WRITE = "providers:write", Role.OPERATOR
    RUNNERS_READ = "runners:read", Role.VIEWER
    RUNNERS_WRITE = "runners:write", Role.OPERATOR
    USAGE_READ = "usage:read", Role.VIEWER
    USERS_READ = "users:read", Role.ADMIN
    USERS_WRITE = "users:write", Role.ADMIN
    WEBHOOKS_READ = "webhooks:read", Role.VIEWER
    WEBHOOKS_WRITE = "webhooks:write", Role.ADMIN


def permissions_of(role: Role) -> frozenset[Permission]:
    return _PERMISSIONS_OF[role]


_PERMISSIONS_OF = {
    role: frozenset(each for each in Permission if role.includes(each.least_role))
    for role in Role
}

import type { Agent, AgentStatus } from "~/api/queries/agents";
import { STATUS_WORDS } from "./model";

/** What of the agents is shown; it lives in the address. */
export interface AgentFilter {
  status?: AgentStatus;
  type?: string;
  name?: string;
}

/** Read the filter from the address; what nobody could have chosen is left out. */
export function agentFilter(search: Record<string, unknown>): AgentFilter {
  const { status, type, name } = search;
  return {
    ...(typeof status === "string" && status in STATUS_WORDS && { status: status as AgentStatus }),
    ...(typeof type === "string" && type && { type }),
    ...(typeof name === "string" && name && { name }),
  };
}

/** Whether an agent passes a filter; names are compared without regard to case. */
export function passes(agent: Agent, { status, type, name }: AgentFilter): boolean {
  return (
    (status === undefined || agent.status === status) &&
    (type === undefined || agent.agent_type_id === type) &&
    (name === undefined || agent.name.toLowerCase().includes(name.toLowerCase()))
  );
}

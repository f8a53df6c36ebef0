import type { Agent, AgentStatus } from "~/api/queries/agents";
import type { Tone } from "~/components/Status";

export const TONES: Record<AgentStatus, Tone> = {
  running: "ok",
  starting: "busy",
  stopping: "busy",
  stopped: "off",
  ack_only: "warning",
  error: "bad",
};

export const STATUS_WORDS: Record<AgentStatus, string> = {
  running: "Running",
  starting: "Starting",
  stopping: "Stopping",
  stopped: "Stopped",
  ack_only: "Ack-only",
  error: "Error",
};

export interface StatusTold {
  tone: Tone;
  word: string;
  reason?: string;
}

/** What an agent is, and why, if that is not what it should be. */
export function statusOf(agent: Agent): StatusTold {
  const told = { tone: TONES[agent.status], word: STATUS_WORDS[agent.status] };
  const reason = agent.status_reason?.message ?? waiting(agent) ?? changed(agent);
  return reason ? { ...told, reason } : told;
}

function waiting(agent: Agent): string | null {
  if (agent.status === "stopped" && agent.desired_state === "running") return "Is to start";
  if (agent.status === "running" && agent.desired_state === "stopped") return "Is to stop";
  return null;
}

function changed(agent: Agent): string | null {
  return agent.restart_required ? "Its type has changed: restart for the newest version" : null;
}

/** How many agents are in each status, in the order in which trouble is looked for. */
export function countsByStatus(agents: Agent[]): [AgentStatus, number][] {
  const order: AgentStatus[] = ["error", "ack_only", "starting", "stopping", "running", "stopped"];
  return order.map((status) => [status, agents.filter((each) => each.status === status).length]);
}

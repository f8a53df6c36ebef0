import type { Job, JobStep } from "~/api/queries/jobs";
import type { Tone } from "~/components/Status";
import { count } from "~/format/count";

const STEP_WORDS: Record<JobStep["name"], string> = {
  test: "Test the new key",
  switch: "Store the new key",
  retire: "Let no new agent use the old provider",
  move: "Move agent types to the new provider",
  restart: "Restart agents, a few at a time",
  delete: "Delete the old",
  move_back: "Move agent types back",
  restart_back: "Restart agents with the old",
  reinstate: "Let agents use the old provider again",
  discard: "Discard the new key",
};

export function stepWords({ name }: JobStep): string {
  return STEP_WORDS[name];
}

const STEP_TOLD: Record<JobStep["status"], { tone: Tone; word: string }> = {
  pending: { tone: "off", word: "To come" },
  running: { tone: "busy", word: "Running" },
  done: { tone: "ok", word: "Done" },
  failed: { tone: "bad", word: "Failed" },
  left_out: { tone: "off", word: "Not needed" },
};

export function stepTold({ status }: JobStep): { tone: Tone; word: string } {
  return STEP_TOLD[status];
}

const JOB_TOLD: Record<Job["status"], { tone: Tone; word: string }> = {
  running: { tone: "busy", word: "Running" },
  completed: { tone: "ok", word: "Completed" },
  failed: { tone: "bad", word: "Failed" },
  rolled_back: { tone: "warning", word: "Rolled back" },
};

export function jobTold({ status }: Job): { tone: Tone; word: string } {
  return JOB_TOLD[status];
}

/** How far the agents of a job are: `9 of 14 restarted, 1 skipped`; nothing without any. */
export function agentsTold({ agents }: Job): string {
  if (!agents?.length) return "";
  const restarted = agents.filter(({ progress }) => progress === "restarted").length;
  const skipped = agents.filter(({ progress }) => progress === "skipped").length;
  const told = `${count(restarted)} of ${count(agents.length)} restarted`;
  return skipped > 0 ? `${told}, ${count(skipped)} skipped` : told;
}

/** What a job does, in a few words. */
export function jobWords({ kind, to_provider_id }: Job): string {
  if (kind === "agent_type.restart") return "Rolling restart";
  return to_provider_id === null ? "Rotation of a key" : "Move to another provider";
}

import { expect, test } from "vitest";
import type { Job } from "~/api/queries/jobs";
import { agentsTold, jobWords } from "./model";

function job(progress: string[], changes: Partial<Job> = {}): Job {
  const agents = progress.map((each, at) => ({ id: `${at}`, progress: each }));
  return { kind: "provider.rotation", to_provider_id: null, agents, ...changes } as Job;
}

test.each([
  [[], ""],
  [["restarted", "waiting"], "1 of 2 restarted"],
  [["restarted", "skipped"], "1 of 2 restarted, 1 skipped"],
])("agents that are %j are told as %j", (progress, told) => {
  expect(agentsTold(job(progress))).toBe(told);
});

test("a job is named by what it does", () => {
  expect(jobWords(job([]))).toBe("Rotation of a key");
  expect(jobWords(job([], { to_provider_id: "01" }))).toBe("Move to another provider");
  expect(jobWords(job([], { kind: "agent_type.restart" }))).toBe("Rolling restart");
});

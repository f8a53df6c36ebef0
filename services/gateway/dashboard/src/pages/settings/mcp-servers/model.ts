import type { McpTool, McpToolShown, McpToolStatus } from "~/api/queries/mcpServers";
import type { Tone } from "~/components/Status";

const TOLD: Record<McpToolStatus, { tone: Tone; word: string }> = {
  new: { tone: "busy", word: "New" },
  approved: { tone: "ok", word: "Approved" },
  changed: { tone: "warning", word: "Changed" },
  gone: { tone: "off", word: "Gone" },
  unusable: { tone: "bad", word: "Cannot be approved" },
};

const REASONS: Record<McpToolStatus, string | undefined> = {
  new: "Agents do not have it before it is approved.",
  approved: undefined,
  changed: "It is not run before the change is approved.",
  gone: "Its server does not list it any more.",
  unusable: undefined,
};

/** What a tool is to agents, and why. */
export function toolTold({ status, problem }: Pick<McpTool, "status" | "problem">) {
  return { ...TOLD[status], reason: problem ?? REASONS[status] };
}

/** Whether somebody may approve it as it is. */
export function isApprovable({ status }: Pick<McpTool, "status">): boolean {
  return status === "new" || status === "changed";
}

/** The tools as they were shown: what an approval is of. */
export function asShown(tools: McpTool[]): McpToolShown[] {
  return tools.flatMap(({ name, fingerprint }) => (fingerprint ? [{ name, fingerprint }] : []));
}

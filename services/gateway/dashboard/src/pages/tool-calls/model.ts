import type { ToolCall, ToolCallFilter, ToolCallStatus } from "~/api/queries/toolCalls";
import type { Period } from "~/api/usageGroups";
import type { Tone } from "~/components/Status";
import { PERIODS } from "~/pages/usage/filter";

const TONES: Record<ToolCallStatus, Tone> = {
  completed: "ok",
  failed: "bad",
  refused: "warning",
  cancelled: "off",
};

export const STATUS_WORDS: Record<ToolCallStatus, string> = {
  completed: "Completed",
  failed: "Failed",
  refused: "Refused",
  cancelled: "Cancelled",
};

/** How a tool call ended, and with which code if it gave nothing. */
export function statusOf({ status, code }: Pick<ToolCall, "status" | "code">): {
  tone: Tone;
  word: string;
  reason?: string;
} {
  const told = { tone: TONES[status], word: STATUS_WORDS[status] };
  return code ? { ...told, reason: code } : told;
}

const WORDS = ["agent_id", "message_id", "tool", "code"] as const;

/** Read the filter from the address; what nobody could have chosen is left out. */
export function toolCallFilter(search: Record<string, unknown>): ToolCallFilter {
  const { period, status } = search;
  const words = WORDS.flatMap((name) => {
    const value = search[name];
    return typeof value === "string" && value ? [[name, value] as const] : [];
  });
  return {
    ...Object.fromEntries(words),
    ...(typeof period === "string" && period in PERIODS && { period: period as Period }),
    ...(typeof status === "string" &&
      status in STATUS_WORDS && { status: status as ToolCallStatus }),
  };
}

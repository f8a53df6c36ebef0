import type { Call } from "~/api/queries/calls";
import type { Tone } from "~/components/Status";

const TONES: Record<Call["status"], Tone> = {
  completed: "ok",
  failed: "bad",
  cancelled: "off",
  interrupted: "warning",
};

export const STATUS_WORDS: Record<Call["status"], string> = {
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
  interrupted: "Interrupted",
};

/** How a call ended, and with which error if it failed. */
export function statusOf(call: Pick<Call, "status" | "explanation">): {
  tone: Tone;
  word: string;
  reason?: string;
} {
  const told = { tone: TONES[call.status], word: STATUS_WORDS[call.status] };
  return call.explanation ? { ...told, reason: call.explanation.code } : told;
}

/** All the tokens a call is known to have used; null if none were reported. */
export function tokensOf(call: Pick<Call, "usage">): number | null {
  const { input_tokens, cached_input_tokens, output_tokens } = call.usage;
  return sumOf([input_tokens, cached_input_tokens, writtenOf(call), output_tokens]);
}

/** The tokens a call wrote to its provider's cache, for however long; null if unknown. */
export function writtenOf({ usage }: Pick<Call, "usage">): number | null {
  return sumOf([usage.cache_write_5m_tokens, usage.cache_write_1h_tokens]);
}

function sumOf(parts: (number | null)[]): number | null {
  const known = parts.filter((part) => part !== null);
  return known.length === 0 ? null : known.reduce((sum, part) => sum + part, 0);
}

const UNPRICED: Record<NonNullable<Call["unpriced_reason"]>, string> = {
  MODEL_UNKNOWN: "The price book does not know this model",
  MODEL_OPAQUE: "The model behind this id cannot be told",
  USAGE_UNKNOWN: "The provider did not report what was used",
  NOT_PRICED_YET: "Not priced yet",
};

/** Why a call has no price; null if it has one. */
export function unpricedReason(call: Call): string | null {
  return call.unpriced_reason && UNPRICED[call.unpriced_reason];
}

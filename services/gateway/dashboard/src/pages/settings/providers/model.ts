import type { AgentType } from "~/api/queries/agentTypes";
import type {
  Provider,
  ProviderPatch,
  ProviderSubmission,
  ProviderType,
} from "~/api/queries/providers";
import type { Tone } from "~/components/Status";
import { duration } from "~/format/duration";

export const TYPE_NAMES: Record<ProviderType, string> = {
  openai: "OpenAI",
  anthropic: "Anthropic",
  bedrock: "AWS Bedrock",
};

export const TYPE_HINTS: Record<ProviderType, string> = {
  openai: "OpenAI, and whatever speaks its API: a base URL with /v1",
  anthropic: "Anthropic's API, direct",
  bedrock: "Models in your AWS account, by region",
};

/** The ways in which Bedrock can be told who asks. */
export type BedrockAccess = "key_pair" | "bearer" | "role";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export interface StatusTold {
  tone: Tone;
  word: string;
  reason?: string;
}

/** A provider's status in words: what it is, and what to do if it is not well. */
export function statusOf(provider: Provider, now: number): StatusTold {
  const missing = provider.credential.missing;
  if (!provider.enabled) {
    return { tone: "off", word: "Disabled", reason: "Its calls go to the fallbacks" };
  }
  if (provider.status === "incomplete") {
    return {
      tone: "warning",
      word: "Incomplete",
      reason: `Missing: ${missing.map(fieldName).join(", ")}`,
    };
  }
  if (provider.status === "expired") {
    return { tone: "bad", word: "Expired", reason: "Its agents only acknowledge messages" };
  }
  if (provider.is_retiring) {
    return { tone: "busy", word: "Retiring", reason: "Its agents move to another provider" };
  }
  const left = timeLeft(provider, now);
  if (left !== null && left < HOUR_MS) {
    return { tone: "warning", word: "Expires soon", reason: `In ${minutesIn(left)} min` };
  }
  return { tone: "ok", word: "Ready" };
}

function minutesIn(milliseconds: number): number {
  return Math.max(1, Math.round(milliseconds / 60_000));
}

const FIELD_NAMES: Record<string, string> = {
  api_key: "API key",
  aws_region: "region",
  aws_access_key_id: "access key id",
  aws_secret_access_key: "secret access key",
  aws_session_token: "session token",
};

/** A field of the API in the words of the form. */
function fieldName(field: string): string {
  return FIELD_NAMES[field] ?? field;
}

/** With which models a type asks a provider, be it as a fallback. */
export function modelsAsked(
  type: Pick<AgentType, "provider_id" | "model" | "fallbacks">,
  providerId: string,
): string[] {
  return [type, ...type.fallbacks]
    .filter(({ provider_id }) => provider_id === providerId)
    .map(({ model }) => model);
}

/** How long a credential still lasts, in words: `47 min`, `3 h 5 min`; null if for good. */
export function timeLeftTold(provider: Provider, now: number): string | null {
  const left = timeLeft(provider, now);
  if (left === null) return null;
  return left <= 0
    ? "ended"
    : `ends in ${duration(Math.max(MINUTE_MS, left - (left % MINUTE_MS)))}`;
}

/** Milliseconds until the credential ends; null if it does not. */
export function timeLeft(provider: Provider, now: number): number | null {
  const ends = provider.credential.expires_at;
  return ends ? new Date(ends).getTime() - now : null;
}

/** Read the form of a new provider; an empty field is one that is not there. */
export function submissionOf(form: FormData, type: ProviderType): ProviderSubmission {
  return {
    name: text(form, "name") ?? "",
    type,
    ...given(form, ["use_case", "base_url", "aws_region"]),
    ...secretsOf(form),
    allow_incomplete: form.get("allow_incomplete") === "on",
  };
}

/** Read the form of a provider that is there: an empty limit is none, and a place is named
 *  only if it is another one, for the usual address goes along with the region. */
export function patchOf(form: FormData, provider: Provider): ProviderPatch {
  return {
    name: text(form, "name") ?? "",
    use_case: text(form, "use_case"),
    ...moved(form, provider),
    ...secretsOf(form),
    limits: {
      requests_per_minute: number(form, "requests_per_minute"),
      tokens_per_minute: number(form, "tokens_per_minute"),
      concurrent: number(form, "concurrent"),
    },
  };
}

function moved(form: FormData, provider: Provider): ProviderPatch {
  const [base_url, aws_region] = [text(form, "base_url"), text(form, "aws_region")];
  return {
    ...(base_url !== provider.base_url && { base_url }),
    ...(aws_region !== provider.aws_region && { aws_region }),
  };
}

/** How a Bedrock provider that is there says who asks. */
export function accessOf({ aws_role_arn, credential }: Provider): BedrockAccess {
  if (aws_role_arn !== null) return "role";
  return credential.fields.includes("api_key") ? "bearer" : "key_pair";
}

function number(form: FormData, name: string): number | null {
  const given = text(form, name);
  return given === null ? null : Number(given);
}

const SECRETS = [
  "api_key",
  "aws_role_arn",
  "aws_access_key_id",
  "aws_secret_access_key",
  "aws_session_token",
] as const;

/** The secrets that a form was given, and when they end; what it was not given stays away. */
export function secretsOf(form: FormData) {
  const ends = text(form, "aws_session_expires_at");
  return {
    ...given(form, SECRETS),
    ...(ends && { aws_session_expires_at: new Date(ends).toISOString() }),
  };
}

/** What is said of a form for a new secret that holds none: it would replace nothing. */
export function lackingIn(form: FormData): Record<string, string> {
  if (Object.keys(secretsOf(form)).length > 0) return {};
  return { [FIRST_FIELDS[text(form, "access") as BedrockAccess] ?? "api_key"]: "is missing" };
}

const FIRST_FIELDS: Record<BedrockAccess, string> = {
  key_pair: "aws_access_key_id",
  bearer: "api_key",
  role: "aws_role_arn",
};

function given<Name extends string>(form: FormData, names: readonly Name[]) {
  const found = names.flatMap((name) => {
    const value = text(form, name);
    return value === null ? [] : [[name, value] as const];
  });
  return Object.fromEntries(found) as Partial<Record<Name, string>>;
}

/** A field without the spaces that pasting brings along; null if nothing is left. */
function text(form: FormData, name: string): string | null {
  const value = form.get(name);
  const trimmed = typeof value === "string" ? value.trim() : "";
  return trimmed || null;
}

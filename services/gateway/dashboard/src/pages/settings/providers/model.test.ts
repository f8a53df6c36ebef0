import { describe, expect, test } from "vitest";
import type { Provider } from "~/api/queries/providers";
import {
  accessOf,
  lackingIn,
  modelsAsked,
  patchOf,
  secretsOf,
  statusOf,
  submissionOf,
  timeLeftTold,
} from "./model";

const KEY = { version: 1, hint: "…abcd", expires_at: null, missing: [], fields: ["api_key"] };
const NOW = Date.UTC(2026, 10, 22, 12);

function provider(changes: Partial<Provider> = {}): Provider {
  return {
    id: "01",
    name: "openai-prod",
    type: "openai",
    use_case: null,
    labels: {},
    base_url: "https://api.openai.com/v1",
    aws_region: null,
    aws_role_arn: null,
    aws_external_id: null,
    limits: { requests_per_minute: null, tokens_per_minute: null, concurrent: null },
    enabled: true,
    is_retiring: false,
    status: "ready",
    credential: KEY,
    version: 1,
    created_at: "2026-11-22T00:00:00Z",
    updated_at: "2026-11-22T00:00:00Z",
    ...changes,
  };
}

function form(fields: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

describe("a provider's status", () => {
  test("names what an incomplete one misses", () => {
    const credential = { ...KEY, missing: ["api_key"], fields: [] };

    expect(statusOf(provider({ status: "incomplete", credential }), NOW)).toMatchObject({
      word: "Incomplete",
      reason: "Missing: API key",
    });
  });
  test("warns within the last hour of a session", () => {
    const credential = { ...KEY, expires_at: new Date(NOW + 47 * 60_000).toISOString() };

    expect(statusOf(provider({ credential }), NOW)).toMatchObject({ reason: "In 47 min" });
  });
  test("of one that is switched off is not its credential's", () => {
    expect(statusOf(provider({ enabled: false, status: "expired" }), NOW).word).toBe("Disabled");
  });
});

describe("the form of a provider", () => {
  test("loses the spaces of a pasted key and the fields left empty", () => {
    const given = form({ name: " prod ", api_key: "  sk-1 \n", base_url: "" });

    expect(submissionOf(given, "openai")).toEqual({
      name: "prod",
      type: "openai",
      api_key: "sk-1",
      allow_incomplete: false,
    });
  });
  test("sends the end of a session as a moment, not as a local time", () => {
    const ends = new Date(2026, 10, 22, 14, 30);

    const secrets = secretsOf(form({ aws_session_expires_at: "2026-11-22T14:30" }));

    expect(secrets).toEqual({ aws_session_expires_at: ends.toISOString() });
  });
});

test.each([
  [47, "ends in 47 min"],
  [185, "ends in 3 h 5 min"],
  [-1, "ended"],
])("a credential that ends in %i minutes %s", (minutes, told) => {
  const expires_at = new Date(NOW + minutes * 60_000).toISOString();

  expect(timeLeftTold(provider({ credential: { ...KEY, expires_at } }), NOW)).toBe(told);
});

test("an emptied limit is taken away, not left as it was", () => {
  const given = form({ name: "a", concurrent: "4", base_url: "https://api.openai.com/v1" });

  expect(patchOf(given, provider())).toEqual({
    name: "a",
    use_case: null,
    limits: { requests_per_minute: null, tokens_per_minute: null, concurrent: 4 },
  });
});

test("a place is named only where it is another one, and an emptied one is the usual", () => {
  const bedrock = provider({ type: "bedrock", aws_region: "eu-west-1", base_url: "https://own" });

  const moved = patchOf(form({ base_url: "https://own", aws_region: "eu-central-1" }), bedrock);
  const home = patchOf(form({ base_url: " ", aws_region: "eu-west-1" }), bedrock);

  expect(moved.aws_region).toBe("eu-central-1");
  expect(moved).not.toHaveProperty("base_url");
  expect(home.base_url).toBeNull();
  expect(home).not.toHaveProperty("aws_region");
});

test.each([
  [{ aws_role_arn: "arn:aws:iam::123456789012:role/bedrock" }, "role"],
  [{ credential: KEY }, "bearer"],
  [{ credential: { ...KEY, fields: ["aws_access_key_id"] } }, "key_pair"],
] as const)("a Bedrock provider's form asks for the kind of key it has (%#)", (changes, access) => {
  expect(accessOf(provider(changes as Partial<Provider>))).toBe(access);
});

test("who asks a provider as a fallback uses it, too", () => {
  const fallbacks = [
    { provider_id: "ours", model: "claude" },
    { provider_id: "other", model: "gpt" },
  ];

  expect(modelsAsked({ provider_id: "other", model: "gpt", fallbacks }, "ours")).toEqual([
    "claude",
  ]);
  expect(modelsAsked({ provider_id: "other", model: "gpt", fallbacks: [] }, "ours")).toEqual([]);
});

test.each([
  [undefined, "api_key"],
  ["key_pair", "aws_access_key_id"],
  ["role", "aws_role_arn"],
])("a form without a new secret replaces none (%s)", (access, field) => {
  const form = new FormData();
  form.set("api_key", "  ");
  if (access) form.set("access", access);

  expect(lackingIn(form)).toEqual({ [field]: "is missing" });
  form.set(field, "given");
  expect(lackingIn(form)).toEqual({});
});

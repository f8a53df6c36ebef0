import { expect, test } from "vitest";
import { labelsOf, labelsTold, moved, submissionOf, suggestedSlug } from "./model";

test.each([
  ["Support agent", "support-agent"],
  ["  Überprüfer (EU) ", "uberprufer-eu"],
  ["---", ""],
])("the slug of %j is %j", (name, slug) => {
  expect(suggestedSlug(name)).toBe(slug);
});

test("numbers left empty are not set, and a written 0 is 0", () => {
  const form = new FormData();
  form.set("name", " Support ");
  form.set("temperature", "0");
  form.set("max_tokens", "");

  expect(submissionOf(form)).toMatchObject({ name: "Support", temperature: 0, max_tokens: null });
});

test("an image and resources are those that are named", () => {
  const form = new FormData();

  expect(submissionOf(form)).toMatchObject({ image: null });
  expect(submissionOf(form)).not.toHaveProperty("resources");

  form.set("image", " agent:1 ");
  form.set("memory_mb", "512");
  form.set("pids", "64");

  expect(submissionOf(form)).toMatchObject({
    image: "agent:1",
    resources: { memory_mb: 512, pids: 64 },
  });
  expect(submissionOf(form).resources).not.toHaveProperty("cpus");
});

test("limits are those that are named, and 0 is one", () => {
  const form = new FormData();
  form.set("tool_calls_per_minute", "");
  form.set("http_requests_per_minute", "0");

  expect(submissionOf(form).limits).toEqual({ http_requests_per_minute: 0 });
});

test("limits that were emptied are the usual ones again", () => {
  const form = new FormData();
  form.set("tool_calls_per_minute", "");
  form.set("http_requests_per_minute", "");

  expect(submissionOf(form).limits).toEqual({});
});

test("a budget without an amount is none", () => {
  const form = new FormData();
  form.set("amount", " ");
  form.set("period", "day");

  expect(submissionOf(form).budget).toBeNull();
});

test("a budget keeps what the form does not ask for", () => {
  const form = new FormData();
  const kept = { name: "Support", time_zone: "Europe/Berlin", warn_at_percent: 70 };
  form.set("budget", JSON.stringify(kept));
  form.set("amount", "12.50");
  form.set("measure", "usd");
  form.set("period", "day");
  form.set("mode", "warn");

  expect(submissionOf(form).budget).toEqual({
    ...kept,
    usd: "12.50",
    period: "day",
    mode: "warn",
  });
});

test("an agent's key is sealed unless one chooses otherwise", () => {
  const form = new FormData();

  expect(submissionOf(form).credential_delivery).toBe("sealed");
  form.set("credential_delivery", "environment");
  expect(submissionOf(form).credential_delivery).toBe("environment");
});

test.each([
  ["", {}],
  ["zone=eu, gpu = a100 ,", { zone: "eu", gpu: "a100" }],
  ["image=a=b", { image: "a=b" }],
])("the labels %j are %j", (words, labels) => {
  expect(labelsOf(words)).toEqual(labels);
});

test("labels are told as they are written", () => {
  expect(labelsTold({ zone: "eu", gpu: "a100" })).toBe("zone=eu, gpu=a100");
});

test("fallbacks keep their order, each with its own model", () => {
  const form = new FormData();
  for (const [provider, model] of [
    ["p2", " claude "],
    ["p1", "gpt"],
  ] as const) {
    form.append("fallback_provider_id", provider);
    form.append("fallback_model", model);
  }

  expect(submissionOf(form).fallbacks).toEqual([
    { provider_id: "p2", model: "claude" },
    { provider_id: "p1", model: "gpt" },
  ]);
});

test("data may go anywhere unless a place is named", () => {
  const form = new FormData();

  expect(submissionOf(form).residency).toBeNull();
  form.set("residency_regions", "eu, eu-central-1,");
  expect(submissionOf(form).residency).toEqual({
    provider_types: null,
    regions: ["eu", "eu-central-1"],
  });
});

test("a fallback that is moved pushes the others aside", () => {
  expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
  expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
});

test("tools are those that are chosen, and GET is the usual method", () => {
  const form = new FormData();
  form.set("http_hosts", "a.example, *.b.example,");

  expect(submissionOf(form).tools).toEqual([]);

  form.append("tools", "current_time");
  form.append("tools", "http_request");

  expect(submissionOf(form).tools).toEqual([
    { name: "current_time" },
    { name: "http_request", hosts: ["a.example", "*.b.example"], methods: ["GET"] },
  ]);
});

test("what the form does not ask of a tool is kept", () => {
  const form = new FormData();
  form.append("tools", "http_request");
  form.append("http_methods", "POST");
  form.set("http_request", JSON.stringify({ timeout_seconds: 3, hosts: ["old.example"] }));

  expect(submissionOf(form).tools).toEqual([
    { name: "http_request", timeout_seconds: 3, hosts: null, methods: ["POST"] },
  ]);
});

test("tools of MCP servers are those of the servers that are chosen, and stay as they were", () => {
  const form = new FormData();
  form.append("mcp_servers", "new");
  form.append("mcp_servers", "kept");
  const kept = { name: "mcp", server_id: "kept", tools: ["look"], timeout_seconds: 5 };
  form.set("mcp", JSON.stringify([kept, { name: "mcp", server_id: "dropped" }]));

  expect(submissionOf(form).tools).toEqual([{ name: "mcp", server_id: "new" }, kept]);
});

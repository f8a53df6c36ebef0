import type {
  AgentRuntime,
  AgentType,
  AgentTypeBudgetSubmission,
  AgentTypeSubmission,
  CredentialDelivery,
  Fallback,
  HttpRequestTool,
  McpServerTools,
  Residency,
} from "~/api/queries/agentTypes";
import type { ProviderType } from "~/api/queries/providers";
import { termsOf } from "~/pages/budgets/model";

/** What the form asks for: enough for a new type, and a patch for one that is there. */
export type AgentTypeFields = Omit<AgentTypeSubmission, "credential_delivery"> & {
  credential_delivery: CredentialDelivery;
};

type Tool = NonNullable<AgentTypeSubmission["tools"]>[number];

/** Read the form of an agent type; an empty number is one that is not set. */
export function submissionOf(form: FormData): AgentTypeFields {
  return {
    name: text(form, "name"),
    slug: text(form, "slug"),
    use_case: text(form, "use_case") || null,
    provider_id: text(form, "provider_id"),
    model: text(form, "model"),
    system_prompt: text(form, "system_prompt"),
    temperature: number(form, "temperature"),
    max_tokens: number(form, "max_tokens"),
    on_ack_only: form.get("on_ack_only") === "hold" ? "hold" : "acknowledge",
    runtime: (text(form, "runtime") || null) as AgentRuntime | null,
    credential_delivery:
      form.get("credential_delivery") === "environment" ? "environment" : "sealed",
    image: text(form, "image") || null,
    runner_labels: labelsOf(text(form, "runner_labels")),
    fallbacks: fallbacksOf(form),
    residency: residencyOf(form),
    tools: toolsOf(form),
    budget: budgetOf(form),
    ...numbersOf(form, "limits", ["tool_calls_per_minute", "http_requests_per_minute"]),
    ...numbersOf(form, "resources", ["memory_mb", "cpus", "pids"]),
  };
}

function fallbacksOf(form: FormData): Fallback[] {
  const models = form.getAll("fallback_model").map(String);
  return form.getAll("fallback_provider_id").map((provider_id, at) => ({
    provider_id: String(provider_id),
    model: models[at]?.trim() ?? "",
  }));
}

/** Where data may go; null is anywhere, as when nothing is named. */
function residencyOf(form: FormData): Residency | null {
  const provider_types = form.getAll("residency_provider_types") as ProviderType[];
  const regions = listed(form, "residency_regions");
  if (provider_types.length === 0 && regions.length === 0) return null;
  return {
    provider_types: provider_types.length > 0 ? provider_types : null,
    regions: regions.length > 0 ? regions : null,
  };
}

/** The tools that are chosen; what the form does not ask for is kept of them. */
function toolsOf(form: FormData): Tool[] {
  const hosts = listed(form, "http_hosts");
  const methods = form.getAll("http_methods") as NonNullable<HttpRequestTool["methods"]>;
  const kept = JSON.parse(text(form, "http_request") || "{}") as Partial<HttpRequestTool>;
  const ofOurs = form.getAll("tools").map(
    (name): Tool =>
      name === "http_request"
        ? {
            ...kept,
            name,
            hosts: hosts.length > 0 ? hosts : null,
            methods: methods.length > 0 ? methods : ["GET"],
          }
        : { name: "current_time" },
  );
  return [...ofOurs, ...mcpToolsOf(form)];
}

/** Those of the MCP servers that are chosen: all that is approved, unless some are named. */
function mcpToolsOf(form: FormData): McpServerTools[] {
  const kept = JSON.parse(text(form, "mcp") || "[]") as McpServerTools[];
  return form.getAll("mcp_servers").map(
    (server_id) =>
      kept.find((tool) => tool.server_id === server_id) ?? {
        name: "mcp",
        server_id: String(server_id),
      },
  );
}

/** The MCP servers that the type has tools of. */
export function mcpOf(tools: AgentType["tools"]) {
  return tools.filter((tool) => tool.name === "mcp");
}

/** The type's `http_request`, if it has that tool. */
export function httpRequestOf(tools: AgentType["tools"]) {
  return tools.find((tool) => tool.name === "http_request");
}

/** The same list with one entry at another place. */
export function moved<Each>(list: Each[], from: number, to: number): Each[] {
  const others = list.toSpliced(from, 1);
  return others.toSpliced(to, 0, ...list.slice(from, from + 1));
}

/** The budget, unless no amount is written; what the form does not ask for is kept of it. */
function budgetOf(form: FormData): AgentTypeBudgetSubmission | null {
  if (text(form, "amount") === "") return null;
  return { ...JSON.parse(text(form, "budget") || "{}"), ...termsOf(form) };
}

/** The numbers of a group that are named, if the form asks for it; the group is changed as
 *  a whole, and those that are left empty are the usual ones. */
function numbersOf(form: FormData, group: "limits" | "resources", names: string[]) {
  if (!names.some((name) => form.has(name))) return {};
  const given = names.flatMap((name) => {
    const value = number(form, name);
    return value === null ? [] : [[name, value] as const];
  });
  return { [group]: Object.fromEntries(given) };
}

/** Read labels as people write them: `zone=eu, gpu=a100`. A name alone has no value. */
export function labelsOf(words: string): Record<string, string> {
  const given = words.split(",").flatMap((part) => {
    const [name = "", ...value] = part.split("=");
    return name.trim() ? [[name.trim(), value.join("=").trim()] as const] : [];
  });
  return Object.fromEntries(given);
}

/** Labels as they are written: `zone=eu, gpu=a100`. */
export function labelsTold(labels: Record<string, unknown>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");
}

/** A slug that a name suggests: `Support agent` becomes `support-agent`. */
export function suggestedSlug(name: string): string {
  return name
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63);
}

/** The words on the button that saves: a change makes a version. */
export function saveWords(type: AgentType | null): string {
  return type ? `Save as version ${type.version + 1}` : "Create agent type";
}

function listed(form: FormData, name: string): string[] {
  return text(form, name)
    .split(",")
    .map((each) => each.trim())
    .filter(Boolean);
}

function text(form: FormData, name: string): string {
  return String(form.get(name) ?? "").trim();
}

function number(form: FormData, name: string): number | null {
  const given = text(form, name);
  return given === "" ? null : Number(given);
}

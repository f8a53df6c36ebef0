import type { AgentType, AgentTypeSubmission } from "~/api/queries/agentTypes";

/** What the form asks for: enough for a new type, and a patch for one that is there. */
export type AgentTypeFields = Omit<AgentTypeSubmission, "credential_delivery">;

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
  };
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

function text(form: FormData, name: string): string {
  return String(form.get(name) ?? "").trim();
}

function number(form: FormData, name: string): number | null {
  const given = text(form, name);
  return given === "" ? null : Number(given);
}

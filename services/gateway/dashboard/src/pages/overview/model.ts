import type { Agent } from "~/api/queries/agents";
import type { Provider } from "~/api/queries/providers";
import { timeLeft } from "~/pages/settings/providers/model";

export interface Step {
  name: string;
  why: string;
  act: string;
  to: "/settings/providers/new" | "/agent-types/new" | "/agents/new";
  isDone: boolean;
}

interface Installed {
  providers: Provider[];
  hasTypes: boolean;
  agents: Agent[];
}

/** The way from nothing to a first answer, and how far it has been gone. */
export function stepsOf({ providers, hasTypes, agents }: Installed): Step[] {
  return [
    {
      name: "Add a provider",
      why: "A key of OpenAI, Anthropic or AWS Bedrock; it is encrypted before it is stored.",
      act: "Add provider",
      to: "/settings/providers/new",
      isDone: providers.length > 0,
    },
    {
      name: "Create an agent type",
      why: "Which model its agents use, and with what instructions.",
      act: "New agent type",
      to: "/agent-types/new",
      isDone: hasTypes,
    },
    {
      name: "Start an agent and ask it something",
      why: "It runs in a container of its own; its page has a chat.",
      act: "New agent",
      to: "/agents/new",
      isDone: agents.length > 0,
    },
  ];
}

const HOUR_MS = 3_600_000;

/** The providers and agents that somebody must look after. */
export function troubled(providers: Provider[], agents: Agent[], now: number) {
  const endsSoon = (provider: Provider) => {
    const left = timeLeft(provider, now);
    return left !== null && left < HOUR_MS;
  };
  return {
    providers: providers.filter(
      (each) => each.enabled && (each.status !== "ready" || endsSoon(each)),
    ),
    agents: agents.filter((each) => each.status === "error" || each.status === "ack_only"),
  };
}

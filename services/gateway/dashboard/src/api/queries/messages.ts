import { mutationOptions } from "@tanstack/react-query";
import { answered, api, type Schemas } from "../client";

export type AgentMessage = Schemas["AgentMessage"];

interface Sent {
  agentId: string;
  content: string;
  threadId: string | null;
}

/** Send a message and wait for its answer; without a thread it opens one. */
export const sendMessage = mutationOptions({
  mutationFn: ({ agentId, content, threadId }: Sent) =>
    answered<AgentMessage>(
      api.POST("/api/agents/{id}/messages", {
        params: { path: { id: agentId } },
        body: { content, thread_id: threadId },
      }),
    ),
});

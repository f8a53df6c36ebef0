import { infiniteQueryOptions, mutationOptions } from "@tanstack/react-query";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { answered, api, type Schemas } from "../client";
import { csrfHeaders } from "../csrf";
import { refused, unreachable } from "../errors";
import { pagedQuery } from "./pages";

export type AgentMessage = Schemas["AgentMessage"];
export type ThreadMessage = Schemas["ThreadMessage"];
export type DeadLetter = Schemas["DeadLetter"];

export const THREADS = ["threads"] as const;
const DEAD_LETTERS = ["dead-letters"] as const;

export function threadsQuery(agentId: string) {
  return pagedQuery([...THREADS, agentId], (query, signal) =>
    answered(
      api.GET("/api/threads", { params: { query: { ...query, agent_id: agentId } }, signal }),
    ),
  );
}

/** A thread's messages, the newest page first; what came before follows. */
export function threadQuery(id: string) {
  const path = { id };
  return infiniteQueryOptions({
    ...pagedQuery(["thread", id], async (query, signal) => {
      const asked = { params: { path, query }, signal };
      const { messages, next_cursor } = await answered(api.GET("/api/threads/{id}", asked));
      return { data: messages, next_cursor };
    }),
    refetchInterval: ({ state }) =>
      state.data?.pages.some(({ data }) => data.some(isOpen)) ? OPEN_MS : false,
  });
}

const OPEN_MS = 1_500;

function isOpen({ status }: ThreadMessage): boolean {
  return status === "queued" || status === "running";
}

export const cancelMessage = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.POST("/api/messages/{id}/cancel", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: ["thread"] }),
});

export const retryMessage = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.POST("/api/messages/{id}/retry", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: ["thread"] }),
});

export function deadLettersQuery() {
  return pagedQuery(DEAD_LETTERS, (query, signal) =>
    answered(api.GET("/api/dead-letters", { params: { query }, signal })),
  );
}

export const replayDeadLetter = mutationOptions({
  mutationFn: (id: string) =>
    answered(api.POST("/api/dead-letters/{id}/replay", { params: { path: { id } } })),
  onSuccess: (_, __, ___, { client }) => client.invalidateQueries({ queryKey: DEAD_LETTERS }),
});

interface Sent {
  agentId: string;
  content: string;
  threadId: string | null;
  /** Called with all of the answer that is there so far. */
  onProgress: (answer: string) => void;
}

/** Send a message and follow its answer while it is made; without a thread it opens one. */
export async function sendMessage(sent: Sent, signal: AbortSignal): Promise<AgentMessage> {
  const response = await fetch(`/api/agents/${sent.agentId}/messages`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "text/event-stream",
      ...csrfHeaders(),
    },
    body: JSON.stringify({ content: sent.content, thread_id: sent.threadId, stream: true }),
    signal,
  }).catch((failure: unknown) => {
    throw signal.aborted ? failure : unreachable();
  });
  if (!response.ok || !response.body) {
    throw refused(response, await response.json().catch(() => null));
  }
  return lastOf(response.body, sent.onProgress);
}

async function lastOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onProgress: (answer: string) => void,
): Promise<AgentMessage> {
  let answer = "";
  const events = body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  const reader = events.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const { event, data } = next.value;
    if (event === "delta") answer += (JSON.parse(data) as { content: string }).content;
    else if (event === "restart") answer = "";
    else return JSON.parse(data) as AgentMessage;
    onProgress(answer);
  }
  throw unreachable();
}

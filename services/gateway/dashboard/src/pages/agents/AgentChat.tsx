import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useMay } from "~/api/permissions";
import { agentQuery, startAgent } from "~/api/queries/agents";
import { sendMessage, THREADS, type ThreadMessage, threadQuery } from "~/api/queries/messages";
import { Button } from "~/components/Button";
import { EmptyState } from "~/components/EmptyState";
import { FailureNotice } from "~/components/FailureNotice";
import { Loaded } from "~/components/Loaded";
import { Notice } from "~/components/Notice";
import styles from "./AgentChat.module.css";
import { Composer } from "./Composer";
import { Earlier } from "./Earlier";
import { ThreadList } from "./ThreadList";
import { Turn } from "./Turn";

/** A conversation with an agent; the threads it has had stand beside it. */
export function AgentChat() {
  const { id } = useParams({ from: "/agents/$id" });
  const { thread } = useSearch({ from: "/agents/$id/chat" });
  const [begun, setBegun] = useState<string | null>(null);
  return (
    <div className={styles.sides}>
      <ThreadList agentId={id} chosen={thread} />
      <section className={styles.chat} aria-label="Conversation">
        {thread ? (
          <Thread key={thread} agentId={id} threadId={thread} isBegunHere={thread === begun} />
        ) : (
          <Conversation
            key="new"
            agentId={id}
            threadId={null}
            messages={[]}
            isBegunHere={false}
            onBegin={setBegun}
          />
        )}
      </section>
    </div>
  );
}

interface ThreadProps {
  agentId: string;
  threadId: string;
  isBegunHere: boolean;
}

function Thread({ agentId, threadId, isBegunHere }: ThreadProps) {
  const query = useInfiniteQuery(threadQuery(threadId));
  return (
    <Loaded query={query} what="thread" lines={6}>
      {({ pages: [newest, ...older] }) => (
        <>
          <Earlier
            messages={older.flatMap(({ data }) => data).toReversed()}
            more={query.hasNextPage ? () => query.fetchNextPage() : undefined}
            isLoadingMore={query.isFetchingNextPage}
          />
          <Conversation
            agentId={agentId}
            threadId={threadId}
            messages={newest?.data.toReversed() ?? []}
            isBegunHere={isBegunHere}
          />
        </>
      )}
    </Loaded>
  );
}

interface ConversationProps {
  agentId: string;
  threadId: string | null;
  /** What was said lately, oldest first. */
  messages: ThreadMessage[];
  /** Whether whoever looks has just asked its first question, and goes on writing. */
  isBegunHere: boolean;
  onBegin?: (threadId: string) => void;
}

function Conversation(props: ConversationProps) {
  const { agentId, threadId, messages, isBegunHere } = props;
  const { asked, failure, ask, stop } = useAsking(agentId, threadId, props.onBegin);
  const end = useRef<HTMLDivElement>(null);
  const newest = messages.at(-1)?.message_id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is new comes into view
  useEffect(() => {
    end.current?.scrollIntoView({ block: "nearest" });
  }, [asked, newest]);
  return (
    <>
      {messages.length === 0 && !asked && !failure && (
        <EmptyState title="Ask it something">
          A message opens a thread; the agent remembers what was said in it.
        </EmptyState>
      )}
      <ol className={styles.turns} aria-live="polite" aria-busy={asked !== null}>
        {messages.map((message) => (
          <Turn key={message.message_id} message={message} />
        ))}
        {asked && (
          <li className={styles.turn}>
            <p className={styles.question}>{asked.question}</p>
            <p className={styles.answer}>{asked.progress || "The agent is at work…"}</p>
          </li>
        )}
      </ol>
      <FailureNotice failure={failure} />
      <Footer
        agentId={agentId}
        onAsk={ask}
        onStop={stop}
        isAsking={asked !== null}
        takesFocus={isBegunHere}
      />
      <div ref={end} />
    </>
  );
}

interface Asked {
  question: string;
  /** What is there so far, while the answer is made. */
  progress: string;
}

function useAsking(agentId: string, threadId: string | null, onBegin?: (threadId: string) => void) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const asking = useRef<AbortController | null>(null);
  const client = useQueryClient();
  const navigate = useNavigate({ from: "/agents/$id/chat" });
  useEffect(() => () => asking.current?.abort(), []);

  async function ask(question: string) {
    const controller = new AbortController();
    asking.current = controller;
    setFailure(null);
    setAsked({ question, progress: "" });
    try {
      const onProgress = (progress: string) => setAsked({ question, progress });
      const sent = { agentId, content: question, threadId, onProgress };
      const { thread_id } = await sendMessage(sent, controller.signal);
      await client.fetchInfiniteQuery({ ...threadQuery(thread_id), staleTime: 0 });
      if (threadId === null) {
        onBegin?.(thread_id);
        await navigate({ search: { thread: thread_id } });
      }
    } catch (error) {
      if (!controller.signal.aborted) setFailure(error as Error);
    } finally {
      asking.current = null;
      setAsked(null);
      void client.invalidateQueries({ queryKey: THREADS });
      void client.invalidateQueries({ queryKey: ["agent-stats", agentId] });
    }
  }

  /** The agent goes on; its thread shows what becomes of it. */
  function stop() {
    asking.current?.abort();
    if (threadId) void client.invalidateQueries({ queryKey: threadQuery(threadId).queryKey });
  }

  return { asked, failure, ask, stop };
}

interface FooterProps {
  agentId: string;
  onAsk: (question: string) => void;
  onStop: () => void;
  isAsking: boolean;
  takesFocus: boolean;
}

/** Where one writes, if the agent takes messages and one may send them. */
function Footer({ agentId, takesFocus, ...composer }: FooterProps) {
  const agent = useQuery(agentQuery(agentId)).data;
  const start = useMutation(startAgent);
  const isAllowed = useMay("messages:write");
  if (!isAllowed) {
    return (
      <Notice tone="info">
        <p>Operators can send messages. Ask an owner for that role.</p>
      </Notice>
    );
  }
  if (agent?.desired_state === "stopped") {
    return (
      <Notice
        tone="info"
        action={
          <Button
            kind="primary"
            isBusy={start.isPending}
            busyLabel="Starting agent…"
            onClick={() => start.mutate(agentId)}
          >
            Start agent
          </Button>
        }
      >
        <p>The agent is stopped and takes no messages.</p>
        <FailureNotice failure={start.error} />
      </Notice>
    );
  }
  return <Composer {...composer} takesFocus={takesFocus || start.isSuccess} />;
}

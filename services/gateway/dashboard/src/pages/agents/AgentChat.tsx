import { useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { explained } from "~/api/errors";
import { AGENTS } from "~/api/queries/agents";
import { type AgentMessage, sendMessage } from "~/api/queries/messages";
import { Button } from "~/components/Button";
import { ExplanationNotice } from "~/components/ExplanationNotice";
import { Panel } from "~/components/Panel";
import { counted } from "~/format/count";
import { duration } from "~/format/duration";
import styles from "./AgentChat.module.css";

interface Turn {
  question: string;
  /** What is there so far, while the answer is made. */
  progress: string;
  answer: AgentMessage | null;
  failure: Error | null;
}

/** A conversation with an agent, kept as one thread; answers appear as they are made. */
export function AgentChat() {
  const { id } = useParams({ from: "/agents/$id" });
  const { turns, ask, stop, isAsking } = useConversation(id);
  return (
    <Panel title="Chat" note={turns.length === 0 ? "opens a new thread" : undefined}>
      <div className={styles.chat}>
        {turns.length > 0 && (
          <ol className={styles.turns} aria-live="polite" aria-busy={isAsking}>
            {turns.map((turn, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: turns are only ever added
              <li key={at} className={styles.turn}>
                <p className={styles.question}>{turn.question}</p>
                <Answer turn={turn} />
              </li>
            ))}
          </ol>
        )}
        <Composer onAsk={ask} onStop={stop} isAsking={isAsking} />
      </div>
    </Panel>
  );
}

function useConversation(agentId: string) {
  const [turns, setTurns] = useState<Turn[]>([]);
  const asking = useRef<AbortController | null>(null);
  const client = useQueryClient();
  useEffect(() => () => asking.current?.abort(), []);

  const changeLast = (change: Partial<Turn>) =>
    setTurns((all) =>
      all.map((turn, at) => (at === all.length - 1 ? { ...turn, ...change } : turn)),
    );

  async function ask(question: string) {
    const threadId = turns.findLast((turn) => turn.answer)?.answer?.thread_id ?? null;
    const controller = new AbortController();
    asking.current = controller;
    setTurns([...turns, { question, progress: "", answer: null, failure: null }]);
    try {
      const onProgress = (progress: string) => changeLast({ progress });
      const sent = { agentId, content: question, threadId, onProgress };
      changeLast({ answer: await sendMessage(sent, controller.signal) });
      await client.invalidateQueries({ queryKey: [...AGENTS, agentId] });
    } catch (failure) {
      if (!controller.signal.aborted) changeLast({ failure: failure as Error });
    } finally {
      asking.current = null;
      setTurns((all) => [...all]);
    }
  }

  function stop() {
    asking.current?.abort();
  }

  return { turns, ask, stop, isAsking: asking.current !== null };
}

interface ComposerProps {
  onAsk: (question: string) => void;
  onStop: () => void;
  isAsking: boolean;
}

function Composer({ onAsk, onStop, isAsking }: ComposerProps) {
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const question = String(new FormData(event.currentTarget).get("content")).trim();
    if (!question || isAsking) return;
    event.currentTarget.reset();
    onAsk(question);
  }

  return (
    <form onSubmit={submit} className={styles.form}>
      <textarea
        name="content"
        aria-label="Message"
        placeholder="Ask the agent something"
        rows={2}
        maxLength={10_000}
        className={styles.input}
        onKeyDown={sendOnEnter}
      />
      {isAsking ? (
        <Button onClick={onStop}>Stop listening</Button>
      ) : (
        <Button type="submit" kind="primary">
          Send message
        </Button>
      )}
    </form>
  );
}

function sendOnEnter(event: KeyboardEvent<HTMLTextAreaElement>) {
  if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
  event.preventDefault();
  event.currentTarget.form?.requestSubmit();
}

function Answer({ turn: { answer, progress, failure } }: { turn: Turn }) {
  if (failure) return <ExplanationNotice explanation={explained(failure)} />;
  if (!answer) return <p className={styles.answer}>{progress || "The agent is at work…"}</p>;
  const tokens = answer.usage.total_tokens;
  return (
    <>
      {answer.content && <p className={styles.answer}>{answer.content}</p>}
      {answer.explanation && <ExplanationNotice explanation={answer.explanation} />}
      <p className={styles.meta}>
        {answer.status} · {duration(answer.duration_ms)}
        {tokens !== null && ` · ${counted(tokens, "token")}`}
      </p>
    </>
  );
}

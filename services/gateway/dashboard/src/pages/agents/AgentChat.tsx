import { useMutation } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { explained } from "~/api/errors";
import { type AgentMessage, sendMessage } from "~/api/queries/messages";
import { Button } from "~/components/Button";
import { ExplanationNotice } from "~/components/ExplanationNotice";
import { Panel } from "~/components/Panel";
import { counted } from "~/format/count";
import { duration } from "~/format/duration";
import styles from "./AgentChat.module.css";

interface Turn {
  question: string;
  answer: AgentMessage | null;
}

/** A conversation with an agent, kept as one thread. */
export function AgentChat() {
  const { id } = useParams({ from: "/agents/$id" });
  const [turns, setTurns] = useState<Turn[]>([]);
  const { mutate, error, isPending } = useMutation(sendMessage);

  function ask(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const question = String(new FormData(form).get("content")).trim();
    if (!question || isPending) return;
    const threadId = turns.findLast((turn) => turn.answer)?.answer?.thread_id ?? null;
    setTurns([...turns, { question, answer: null }]);
    form.reset();
    mutate(
      { agentId: id, content: question, threadId },
      {
        onSuccess: (answer) => setTurns([...turns, { question, answer }]),
        onError: () => setTurns(turns),
      },
    );
  }

  return (
    <Panel title="Chat" note={turns.length === 0 ? "opens a new thread" : undefined}>
      <div className={styles.chat}>
        <ol className={styles.turns} aria-live="polite">
          {turns.map((turn, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: turns are only ever added
            <li key={at} className={styles.turn}>
              <p className={styles.question}>{turn.question}</p>
              {turn.answer ? <Answer message={turn.answer} /> : <p>The agent is at work…</p>}
            </li>
          ))}
        </ol>
        {error && <ExplanationNotice explanation={explained(error)} />}
        <form onSubmit={ask} className={styles.form}>
          <textarea
            name="content"
            aria-label="Message"
            placeholder="Ask the agent something"
            rows={2}
            maxLength={10_000}
            className={styles.input}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.shiftKey) return;
              event.preventDefault();
              event.currentTarget.form?.requestSubmit();
            }}
          />
          <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Sending…">
            Send message
          </Button>
        </form>
      </div>
    </Panel>
  );
}

function Answer({ message }: { message: AgentMessage }) {
  return (
    <>
      {message.content && <p className={styles.answer}>{message.content}</p>}
      {message.explanation && <ExplanationNotice explanation={message.explanation} />}
      <p className={styles.meta}>
        {message.status} · {duration(message.duration_ms)}
        {message.usage.total_tokens !== null &&
          ` · ${counted(message.usage.total_tokens, "token")}`}
      </p>
    </>
  );
}

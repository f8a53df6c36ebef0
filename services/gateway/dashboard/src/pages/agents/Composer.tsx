import type { FormEvent, KeyboardEvent } from "react";
import { Button } from "~/components/Button";
import styles from "./AgentChat.module.css";

interface ComposerProps {
  onAsk: (question: string) => void;
  onStop: () => void;
  isAsking: boolean;
}

/** Where a message is written; Enter sends it, Shift+Enter begins a line. */
export function Composer({ onAsk, onStop, isAsking }: ComposerProps) {
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

import { type FormEvent, type KeyboardEvent, useEffect, useRef } from "react";
import { Button } from "~/components/Button";
import styles from "./AgentChat.module.css";

interface ComposerProps {
  onAsk: (question: string) => void;
  onStop: () => void;
  isAsking: boolean;
  /** Whether it stands where somebody has just pressed something that is gone. */
  takesFocus: boolean;
}

/** Where a message is written; Enter sends it, Shift+Enter begins a line. */
export function Composer({ onAsk, onStop, isAsking, takesFocus }: ComposerProps) {
  const input = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (takesFocus) input.current?.focus();
  }, [takesFocus]);

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
        ref={input}
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

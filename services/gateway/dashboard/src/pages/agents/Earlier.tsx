import { useLayoutEffect, useRef } from "react";
import type { ThreadMessage } from "~/api/queries/messages";
import { Button } from "~/components/Button";
import styles from "./AgentChat.module.css";
import { Turn } from "./Turn";

interface EarlierProps {
  /** What was said before the newest page, oldest first. */
  messages: ThreadMessage[];
  /** Loads what was said before these; absent when all is here. */
  more: (() => void) | undefined;
  isLoadingMore: boolean;
}

/** What was said before, page by page; nobody is read aloud what has been there for long. */
export function Earlier({ messages, more, isLoadingMore }: EarlierProps) {
  const list = useRef<HTMLOListElement>(null);
  const shown = useRef(messages.length);
  // What was read stays under the eyes while earlier messages come in above it.
  useLayoutEffect(() => {
    const added = messages.length - shown.current;
    shown.current = messages.length;
    if (added <= 0) return;
    const first = list.current?.children[added] ?? list.current?.lastElementChild;
    first?.scrollIntoView({ block: "center" });
  }, [messages.length]);
  return (
    <>
      {more && (
        <Button className={styles.more} isBusy={isLoadingMore} busyLabel="Loading…" onClick={more}>
          Show earlier messages
        </Button>
      )}
      {messages.length > 0 && (
        <ol ref={list} className={styles.turns} aria-label="Earlier messages">
          {messages.map((message) => (
            <Turn key={message.message_id} message={message} />
          ))}
        </ol>
      )}
    </>
  );
}

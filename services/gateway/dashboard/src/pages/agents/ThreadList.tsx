import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { threadsQuery } from "~/api/queries/messages";
import { Button } from "~/components/Button";
import { Time } from "~/components/Time";
import { counted } from "~/format/count";
import styles from "./AgentChat.module.css";

interface ThreadListProps {
  agentId: string;
  chosen: string | undefined;
}

/** The conversations an agent has had, newest first. */
export function ThreadList({ agentId, chosen }: ThreadListProps) {
  const { data, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    threadsQuery(agentId),
  );
  const threads = data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <nav aria-label="Threads" className={styles.threads}>
      <Link
        to="/agents/$id/chat"
        params={{ id: agentId }}
        search={{}}
        className={styles.thread}
        aria-current={chosen === undefined ? "true" : undefined}
      >
        <span className={styles.newThread}>
          <Plus size={14} aria-hidden="true" /> New thread
        </span>
      </Link>
      {threads.map((thread) => (
        <Link
          key={thread.id}
          to="/agents/$id/chat"
          params={{ id: agentId }}
          search={{ thread: thread.id }}
          className={styles.thread}
          aria-current={chosen === thread.id ? "true" : undefined}
        >
          <Time at={thread.updated_at} />
          <span className={styles.meta}>{counted(thread.messages, "message")}</span>
        </Link>
      ))}
      {hasNextPage && (
        <Button
          kind="quiet"
          isBusy={isFetchingNextPage}
          busyLabel="Loading…"
          onClick={() => fetchNextPage()}
        >
          Load more
        </Button>
      )}
    </nav>
  );
}

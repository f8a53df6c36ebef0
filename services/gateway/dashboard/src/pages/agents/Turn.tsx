import { useMutation } from "@tanstack/react-query";
import { useMay } from "~/api/permissions";
import { cancelMessage, retryMessage, type ThreadMessage } from "~/api/queries/messages";
import { Button } from "~/components/Button";
import { ExplanationNotice } from "~/components/ExplanationNotice";
import { FailureNotice } from "~/components/FailureNotice";
import { Time } from "~/components/Time";
import { counted } from "~/format/count";
import { duration } from "~/format/duration";
import styles from "./AgentChat.module.css";

/** One message and what became of it. */
export function Turn({ message }: { message: ThreadMessage }) {
  const { status, reply, explanation } = message;
  return (
    <li className={styles.turn}>
      <p className={styles.question}>{message.content}</p>
      {reply && <p className={styles.answer}>{reply}</p>}
      {isOpen(status) && !reply && (
        <p className={styles.answer}>
          {status === "queued" ? "Waits for the agent…" : "The agent is at work…"}
        </p>
      )}
      {explanation && <ExplanationNotice explanation={explanation} />}
      <p className={styles.meta}>
        {WORDS[status]} · <Time at={message.created_at} />
        {message.duration_ms !== null && ` · ${duration(message.duration_ms)}`}
        {message.usage.total_tokens !== null &&
          ` · ${counted(message.usage.total_tokens, "token")}`}
        {message.attempts > 1 && ` · ${message.attempts} tries`}
      </p>
      <Acts message={message} />
    </li>
  );
}

const WORDS: Record<ThreadMessage["status"], string> = {
  queued: "Queued",
  running: "Running",
  completed: "Completed",
  acknowledged: "Acknowledged only",
  failed: "Failed",
  cancelled: "Cancelled",
};

function isOpen(status: ThreadMessage["status"]): boolean {
  return status === "queued" || status === "running";
}

/** What has no answer yet can be ended; what got none can be sent again. */
function Acts({ message }: { message: ThreadMessage }) {
  const cancel = useMutation(cancelMessage);
  const retry = useMutation(retryMessage);
  const failure = cancel.error ?? retry.error;
  const isAllowed = useMay("messages:write");
  if (message.status === "completed" || !isAllowed) return null;
  return (
    <div className={styles.acts}>
      {isOpen(message.status) ? (
        <Button isBusy={cancel.isPending} onClick={() => cancel.mutate(message.message_id)}>
          Cancel message
        </Button>
      ) : (
        <Button isBusy={retry.isPending} onClick={() => retry.mutate(message.message_id)}>
          Send again
        </Button>
      )}
      <FailureNotice failure={failure} />
    </div>
  );
}

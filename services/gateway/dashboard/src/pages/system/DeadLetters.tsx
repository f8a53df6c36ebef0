import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Allowed } from "~/api/permissions";
import { type DeadLetter, deadLettersQuery, replayDeadLetter } from "~/api/queries/messages";
import { Button } from "~/components/Button";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { FailureNotice } from "~/components/FailureNotice";
import { PagedList } from "~/components/PagedList";
import { Panel } from "~/components/Panel";
import { Time } from "~/components/Time";

/** Messages that could not be delivered: why, and another try. */
export function DeadLetters() {
  const query = useInfiniteQuery(deadLettersQuery());
  return (
    <Panel title="Dead letters" note="messages that could not be delivered" isFlush>
      <PagedList
        query={query}
        what="dead letters"
        label="Dead letters"
        columns={COLUMNS}
        keyOf={(letter) => letter.id}
        empty={<EmptyState title="No dead letters">Everything sent was delivered.</EmptyState>}
      />
    </Panel>
  );
}

const COLUMNS: Column<DeadLetter>[] = [
  { name: "Since", render: ({ dead_lettered_at }) => <Time at={dead_lettered_at} /> },
  {
    name: "Agent",
    render: ({ agent_id }) => (
      <Link to="/agents/$id" params={{ id: agent_id }}>
        {agent_id.slice(-8)}
      </Link>
    ),
    isMinor: true,
  },
  { name: "Why", render: ({ reason }) => reason.message },
  { name: "Tries", render: ({ attempts }) => attempts, isNumber: true, isMinor: true },
  {
    name: "Act",
    isUnnamed: true,
    isNumber: true,
    render: (letter) => (
      <Allowed to="dead-letters:write">
        <Replay letter={letter} />
      </Allowed>
    ),
  },
];

function Replay({ letter }: { letter: DeadLetter }) {
  const { mutate, error, isPending } = useMutation(replayDeadLetter);
  return (
    <>
      <Button isBusy={isPending} busyLabel="Replaying…" onClick={() => mutate(letter.id)}>
        Replay
      </Button>
      <FailureNotice failure={error} />
    </>
  );
}

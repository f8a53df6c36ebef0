import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Allowed } from "~/api/permissions";
import { drainRunner, type Runner, runnersQuery, undrainRunner } from "~/api/queries/runners";
import { Button } from "~/components/Button";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { FailureNotice } from "~/components/FailureNotice";
import { PagedList } from "~/components/PagedList";
import { Panel } from "~/components/Panel";
import { Status, type Tone } from "~/components/Status";
import { Time } from "~/components/Time";

/** The processes that host agents, and how full they are. */
export function Runners() {
  const query = useInfiniteQuery(runnersQuery());
  return (
    <Panel title="Runners" note="they host the agents" isFlush>
      <PagedList
        query={query}
        what="runners"
        label="Runners"
        columns={COLUMNS}
        keyOf={(runner) => runner.id}
        empty={
          <EmptyState title="No runner has come yet">
            Without a runner no agent can start. Start an agent-runner and it appears here.
          </EmptyState>
        }
      />
    </Panel>
  );
}

const TOLD: Record<Runner["status"], { tone: Tone; word: string; reason?: string }> = {
  ready: { tone: "ok", word: "Ready" },
  draining: { tone: "busy", word: "Draining", reason: "Its agents move to others" },
  lost: { tone: "bad", word: "Lost", reason: "It has stopped renewing; others take its agents" },
};

const COLUMNS: Column<Runner>[] = [
  { name: "Name", render: ({ name }) => name },
  { name: "Status", render: ({ status }) => <Status {...TOLD[status]} /> },
  { name: "Agents", render: ({ agents, capacity }) => `${agents} of ${capacity}`, isNumber: true },
  { name: "Runs them in", render: ({ runtime }) => runtime, isMinor: true },
  { name: "Last heard", render: ({ renewed_at }) => <Time at={renewed_at} />, isMinor: true },
  {
    name: "Act",
    isUnnamed: true,
    isNumber: true,
    render: (runner) => (
      <Allowed to="runners:write">
        <Drain runner={runner} />
      </Allowed>
    ),
  },
];

function Drain({ runner }: { runner: Runner }) {
  const drain = useMutation(drainRunner);
  const undrain = useMutation(undrainRunner);
  const failure = drain.error ?? undrain.error;
  if (runner.status === "lost") return null;
  return (
    <>
      {runner.status === "draining" ? (
        <Button isBusy={undrain.isPending} onClick={() => undrain.mutate(runner.id)}>
          Take agents again
        </Button>
      ) : (
        <Button isBusy={drain.isPending} onClick={() => drain.mutate(runner.id)}>
          Drain runner
        </Button>
      )}
      <FailureNotice failure={failure} />
    </>
  );
}

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Call, latestFailuresQuery } from "~/api/queries/calls";
import { useAgentNames } from "~/api/queries/names";
import { EmptyState } from "~/components/EmptyState";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";
import { Time } from "~/components/Time";
import styles from "./Overview.module.css";

const SHOWN = 5;

/** The calls that failed last, each with its code. */
export function LatestFailures() {
  const query = useQuery(latestFailuresQuery(SHOWN));
  return (
    <Panel
      title="Latest failures"
      action={
        <Link to="/calls" search={{ status: "failed" }}>
          All failed calls
        </Link>
      }
    >
      <Loaded query={query} what="failures">
        {({ data }) => (data.length === 0 ? <AllWell /> : <Failures calls={data} />)}
      </Loaded>
    </Panel>
  );
}

function AllWell() {
  return <EmptyState title="No call has failed">In the last 24 hours, none.</EmptyState>;
}

function Failures({ calls }: { calls: Call[] }) {
  const nameOf = useAgentNames();
  return (
    <ul className={styles.failures}>
      {calls.map((call) => (
        <li key={call.call_id} className={styles.failure}>
          <Link to="/calls/$id" params={{ id: call.call_id }}>
            {nameOf(call.agent_id)}
          </Link>
          <code className={styles.code}>{call.explanation?.code ?? "UNKNOWN"}</code>
          <span className={styles.when}>
            <Time at={call.started_at} />
          </span>
        </li>
      ))}
    </ul>
  );
}

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Call, latestFailuresQuery } from "~/api/queries/calls";
import { useAgentNames } from "~/api/queries/names";
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
        {({ data }) =>
          data.length === 0 ? (
            <p>No call has failed in the last 24 hours.</p>
          ) : (
            <Failures calls={data} />
          )
        }
      </Loaded>
    </Panel>
  );
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

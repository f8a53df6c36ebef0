import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Alert, alertsQuery } from "~/api/queries/alerts";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";
import { Time, useNow } from "~/components/Time";
import { AlertSubject } from "~/pages/alerts/AlertSubject";
import { isSilenced, RULE_NAMES } from "~/pages/alerts/model";
import styles from "./Overview.module.css";

const SHOWN = 5;

/** The conditions that last, without those somebody silenced. */
export function OpenAlerts() {
  const query = useInfiniteQuery(alertsQuery("open"));
  const now = useNow();
  return (
    <Panel
      title="Open alerts"
      action={
        <Link to="/alerts" search={{}}>
          All alerts
        </Link>
      }
    >
      <Loaded query={query} what="alerts">
        {({ pages }) => {
          const alerts = pages
            .flatMap((page) => page.data)
            .filter((alert) => !isSilenced(alert, now));
          return alerts.length === 0 ? <p>Nothing deviates now.</p> : <Alerts alerts={alerts} />;
        }}
      </Loaded>
    </Panel>
  );
}

function Alerts({ alerts }: { alerts: Alert[] }) {
  return (
    <ul className={styles.failures}>
      {alerts.slice(0, SHOWN).map(({ id, rule, subject, opened_at }) => (
        <li key={id} className={styles.failure}>
          <Link to="/alerts" search={{ status: "open" }}>
            {RULE_NAMES[rule]}
          </Link>
          <span className={styles.code}>
            <AlertSubject subject={subject} />
          </span>
          <span className={styles.when}>
            <Time at={opened_at} />
          </span>
        </li>
      ))}
    </ul>
  );
}

import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { type AlertStatus, alertsQuery } from "~/api/queries/alerts";
import { Below } from "~/components/Below";
import { Button } from "~/components/Button";
import { ButtonLink } from "~/components/ButtonLink";
import { Chip, Chips } from "~/components/Chips";
import { EmptyState } from "~/components/EmptyState";
import { Loaded } from "~/components/Loaded";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { AlertItem } from "./AlertItem";
import styles from "./Alerts.module.css";
import { Rules } from "./Rules";

/** What deviates, since when, on what evidence. */
export function Alerts() {
  const { status } = useSearch({ from: "/alerts" });
  const query = useInfiniteQuery(alertsQuery(status));
  return (
    <>
      <PageHeader
        title="Alerts"
        facts="Conditions that somebody should look at, each told once, with what was seen."
      />
      <Chips label="Status">
        <Chip to="/alerts" search={{}} isChosen={status === undefined}>
          All
        </Chip>
        <Chip to="/alerts" search={{ status: "open" }} isChosen={status === "open"}>
          Open
        </Chip>
        <Chip to="/alerts" search={{ status: "resolved" }} isChosen={status === "resolved"}>
          Resolved
        </Chip>
      </Chips>
      <Panel isFlush>
        <Loaded query={query} what="alerts" lines={6}>
          {({ pages }) => {
            const alerts = pages.flatMap((page) => page.data);
            if (alerts.length === 0) return <NoAlert status={status} />;
            return (
              <ul>
                {alerts.map((alert) => (
                  <AlertItem key={alert.id} alert={alert} />
                ))}
              </ul>
            );
          }}
        </Loaded>
        {query.hasNextPage && (
          <div className={styles.more}>
            <Button isBusy={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
              Load more
            </Button>
          </div>
        )}
      </Panel>
      <Below isHeld={query.isPending}>
        <Rules />
      </Below>
    </>
  );
}

function NoAlert({ status }: { status: AlertStatus | undefined }) {
  if (status) {
    return (
      <EmptyState
        title={`No ${status} alert`}
        action={<ButtonLink to="/alerts">Show all alerts</ButtonLink>}
      />
    );
  }
  return (
    <EmptyState title="Nothing has deviated yet">
      The rules below watch every agent; what they find appears here, with its evidence.
    </EmptyState>
  );
}

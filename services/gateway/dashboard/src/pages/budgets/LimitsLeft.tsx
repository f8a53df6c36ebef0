import { useQuery } from "@tanstack/react-query";
import { limitsQuery } from "~/api/queries/budgets";
import { Meter } from "~/charts/Meter";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";
import styles from "./Budgets.module.css";
import { LIMIT_NAMES, leftTold } from "./model";

/** What is left of the limits that an agent or a provider has met lately. */
export function LimitsLeft({ ofId }: { ofId: string }) {
  const query = useQuery(limitsQuery(ofId));
  return (
    <Panel title="Limits left" note="this minute">
      <Loaded query={query} what="limits" lines={2}>
        {({ data }) =>
          data.length === 0 ? (
            <p className={styles.none}>No limit was met in the last day: all is left.</p>
          ) : (
            <div className={styles.meters}>
              {data.map((standing) => (
                <Meter
                  key={standing.limit}
                  label={LIMIT_NAMES[standing.limit] ?? standing.limit}
                  used={standing.used}
                  limit={standing.amount}
                  words={leftTold(standing)}
                />
              ))}
            </div>
          )
        }
      </Loaded>
    </Panel>
  );
}

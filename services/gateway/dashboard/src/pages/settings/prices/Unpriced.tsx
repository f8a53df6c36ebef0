import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { usageByQuery, usageIn } from "~/api/queries/usage";
import { Button } from "~/components/Button";
import { Panel } from "~/components/Panel";
import { counted } from "~/format/count";
import { localZone } from "~/format/time";
import styles from "./Prices.module.css";

function useUsage() {
  return useInfiniteQuery(usageByQuery("model", { period: "30d", tz: localZone() }));
}

/** Whether nobody knows yet which models have no price. */
export function useIsUnpricedPending(): boolean {
  return useUsage().isPending;
}

/** The models that were called and that nobody could price: costs leave them out. */
export function Unpriced({ onSetPrice }: { onSetPrice: ((model: string) => void) | undefined }) {
  const { rows } = usageIn(useUsage().data?.pages ?? []);
  const unpriced = rows.filter((row) => row.unpriced_calls > 0);
  if (unpriced.length === 0) return null;
  return (
    <Panel title="Models without a price" note="last 30 days" isFlush>
      <ul>
        {unpriced.map((row) => (
          <li key={row.key} className={styles.unpriced}>
            <code>{row.name}</code>
            <Link to="/calls" search={{ model: row.key, period: "30d" }}>
              {counted(row.unpriced_calls, "call")} without a price
            </Link>
            {onSetPrice && <Button onClick={() => onSetPrice(row.key)}>Set price</Button>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

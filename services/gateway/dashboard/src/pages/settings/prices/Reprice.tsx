import { useMutation, useQuery } from "@tanstack/react-query";
import { type Repricing, reprice, repricingQuery } from "~/api/queries/prices";
import { Button } from "~/components/Button";
import { FailureNotice } from "~/components/FailureNotice";
import { Panel } from "~/components/Panel";
import { counted } from "~/format/count";
import { money } from "~/format/money";
import styles from "./Prices.module.css";

const MONTH_MS = 30 * 86_400_000;

/** What is counted keeps its price, unless somebody asks for today's. */
export function Reprice() {
  const start = useMutation(reprice);
  const job = useQuery(repricingQuery(start.data?.id)).data ?? start.data;
  const isRunning = start.isPending || job?.status === "running";

  function order() {
    const to = new Date();
    start.mutate({
      from: new Date(to.getTime() - MONTH_MS).toISOString(),
      to: to.toISOString(),
    });
  }

  return (
    <Panel
      title="Calls that are counted already"
      action={
        <Button isBusy={isRunning} busyLabel="Pricing anew…" onClick={order}>
          Price the last 30 days anew
        </Button>
      }
    >
      <div className={styles.reprice}>
        <p>A call keeps the price it was counted with. Pricing anew gives it today's.</p>
        <FailureNotice failure={start.error} />
        {job && <p role="status">{told(job)}</p>}
      </div>
    </Panel>
  );
}

function told(job: Repricing): string {
  const looked = counted(job.calls_examined, "call");
  if (job.status === "running") return `${looked} looked at so far…`;
  const costs = `${money(job.cost_usd_before)} before, ${money(job.cost_usd_after)} now`;
  return `${looked} looked at, ${counted(job.calls_changed, "price")} changed: ${costs}.`;
}

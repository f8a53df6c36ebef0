import { useMutation } from "@tanstack/react-query";
import { useMay } from "~/api/permissions";
import { type Alert, silenceAlert } from "~/api/queries/alerts";
import { Button } from "~/components/Button";
import { ButtonLink } from "~/components/ButtonLink";
import { FailureNotice } from "~/components/FailureNotice";
import { Status } from "~/components/Status";
import { Time, useNow } from "~/components/Time";
import { duration } from "~/format/duration";
import { absolute } from "~/format/time";
import { AlertSubject } from "./AlertSubject";
import styles from "./Alerts.module.css";
import { callsOf, evidenceTold, isSilenced, RULE_NAMES, statusOf } from "./model";

/** One alert: what, of whom, since when, and what was seen. */
export function AlertItem({ alert }: { alert: Alert }) {
  const now = useNow();
  return (
    <li className={styles.alert}>
      <Status {...statusOf(alert, now)} />
      <div className={styles.words}>
        <p className={styles.title}>
          <strong>{RULE_NAMES[alert.rule]}</strong> <AlertSubject subject={alert.subject} />
        </p>
        <p>{alert.message}</p>
        <p className={styles.evidence}>{evidenceTold(alert)}</p>
        <p className={styles.evidence}>
          <Times alert={alert} now={now} />
        </p>
      </div>
      <div className={styles.acts}>
        <ButtonLink to="/calls" search={callsOf(alert, now)}>
          Open its calls
        </ButtonLink>
        {alert.status === "open" && <Silence alert={alert} isSilenced={isSilenced(alert, now)} />}
      </div>
    </li>
  );
}

function Times({ alert, now }: { alert: Alert; now: number }) {
  const opened = new Date(alert.opened_at).getTime();
  const end = alert.resolved_at ? new Date(alert.resolved_at).getTime() : now;
  return (
    <>
      Opened <Time at={alert.opened_at} />,{" "}
      {alert.resolved_at ? `over after ${lasted(end - opened)}` : `for ${lasted(end - opened)}`}
      {isSilenced(alert, now) && ` · silenced until ${absolute(alert.silenced_until ?? "")}`}
    </>
  );
}

/** How long something lasted; its seconds are of no use to anybody. */
function lasted(milliseconds: number): string {
  if (milliseconds < MINUTE_MS) return "less than a minute";
  return duration(Math.floor(milliseconds / MINUTE_MS) * MINUTE_MS);
}

const MINUTE_MS = 60_000;
const HOURS = [1, 8, 24, 168];

function Silence({ alert, isSilenced }: { alert: Alert; isSilenced: boolean }) {
  const { mutate, error, isPending } = useMutation(silenceAlert);
  const isAllowed = useMay("alerts:write");
  if (!isAllowed) return null;
  if (isSilenced) {
    return (
      <Button isBusy={isPending} onClick={() => mutate({ id: alert.id, until: null })}>
        End silence
      </Button>
    );
  }
  return (
    <>
      <select
        aria-label={`Silence ${RULE_NAMES[alert.rule]}`}
        className={styles.silence}
        value=""
        onChange={(event) => {
          const until = new Date(Date.now() + Number(event.target.value) * 3_600_000);
          mutate({ id: alert.id, until: until.toISOString() });
        }}
      >
        <option value="">Silence…</option>
        {HOURS.map((hours) => (
          <option key={hours} value={hours}>
            for {lasted(hours * 3_600_000)}
          </option>
        ))}
      </select>
      <FailureNotice failure={error} />
    </>
  );
}

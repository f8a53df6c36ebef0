import { useMutation } from "@tanstack/react-query";
import {
  type AuditFinding,
  type AuditVerification,
  verifyAudit,
} from "~/api/queries/administration";
import { Button } from "~/components/Button";
import { FailureNotice } from "~/components/FailureNotice";
import { Notice } from "~/components/Notice";
import { Panel } from "~/components/Panel";
import { counted } from "~/format/count";
import { absolute } from "~/format/time";
import { sentence } from "./model";

/** Whether anybody touched what the credentials service wrote down. */
export function ChainVerification() {
  const { mutate, data, error, isPending } = useMutation(verifyAudit);
  return (
    <Panel
      title="Chain of the credentials service"
      action={
        <Button isBusy={isPending} busyLabel="Verifying chain…" onClick={() => mutate()}>
          Verify chain
        </Button>
      }
    >
      <FailureNotice failure={error} />
      {data && <Verdict told={data} />}
      <p>
        Each entry about a secret holds the hash of the one before it, and every minute the end is
        signed and kept outside the database. To trust nothing on this machine, run{" "}
        <code>ag2trust audit verify --heads</code> with a copy that you kept elsewhere.
      </p>
    </Panel>
  );
}

function Verdict({ told }: { told: AuditVerification }) {
  const [first] = told.findings;
  if (first) return <Touched told={told} first={first} />;
  return told.is_whole ? <Whole told={told} /> : <Unreadable told={told} />;
}

function Whole({ told }: { told: AuditVerification }) {
  if (told.entries === 0) {
    return (
      <Notice tone="info" title="There is nothing to verify yet">
        <p>The first entry is written when a provider is added.</p>
      </Notice>
    );
  }
  return (
    <Notice tone="ok" title={`The chain is whole: ${counted(told.entries, "entry", "entries")}`}>
      <p>
        Verified {absolute(told.verified_at)}, up to entry {told.position} with hash{" "}
        <code title={told.hash ?? undefined}>{told.hash?.slice(0, 12)}…</code>. {keptHeads(told)}
      </p>
    </Notice>
  );
}

function Touched({ told, first }: { told: AuditVerification; first: AuditFinding }) {
  const others = told.findings.slice(1);
  const untold = told.flaws - told.findings.length;
  return (
    <Notice tone="bad" title={sentence(first)}>
      {first.entry_id && (
        <p>
          What stands there now is <code>{first.entry_id}</code>.
        </p>
      )}
      {others.length > 0 && (
        <ul>
          {others.map((finding) => (
            <li key={`${finding.flaw}-${finding.position}`}>{sentence(finding)}</li>
          ))}
          {untold > 0 && <li>{counted(untold, "flaw")} more.</li>}
        </ul>
      )}
      <p>
        <strong>Fix:</strong> somebody wrote to the database past the service. Keep the database and
        the folder of heads as they are, run <code>ag2trust audit verify --heads</code> with a copy
        kept elsewhere, restore a backup that verifies, and rotate every key.
      </p>
      <p>
        Verified {absolute(told.verified_at)}. {keptHeads(told)}
      </p>
    </Notice>
  );
}

function Unreadable({ told }: { told: AuditVerification }) {
  const lines = counted(told.unreadable_heads, "kept head");
  return (
    <Notice tone="warning" title={`The entries agree, but ${lines} cannot be believed`}>
      <p>
        A crash can leave half a line at the end of the file. Anything else was written by somebody
        who does not have the key of the service: run <code>ag2trust audit verify --heads</code>{" "}
        with a copy of the folder that was kept elsewhere; it names each line.
      </p>
    </Notice>
  );
}

function keptHeads({ kept_heads, head_kept_at }: AuditVerification): string {
  return head_kept_at
    ? `Compared with ${counted(kept_heads, "kept head")}, the last of ${absolute(head_kept_at)}.`
    : "No head was kept yet: nobody could tell whether the end was cut off.";
}

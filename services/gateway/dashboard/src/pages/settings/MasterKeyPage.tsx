import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import {
  freezeSecrets,
  type MasterKey,
  masterKeyQuery,
  rewrapDataKeys,
  unfreezeSecrets,
} from "~/api/queries/administration";
import { meQuery } from "~/api/queries/session";
import { Button } from "~/components/Button";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { Facts } from "~/components/Facts";
import { FailureNotice } from "~/components/FailureNotice";
import { Loaded } from "~/components/Loaded";
import { Notice } from "~/components/Notice";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { counted } from "~/format/count";
import { absolute } from "~/format/time";
import { SettingsTabs } from "./SettingsTabs";

/** What wraps every stored secret, its rotation, and the switch for an emergency. */
export function MasterKeyPage() {
  const query = useQuery(masterKeyQuery());
  return (
    <>
      <PageHeader title="Master key" />
      <SettingsTabs />
      <Loaded query={query} what="state of the master key">
        {(state) => (
          <>
            <Freeze state={state} />
            <Wrapping state={state} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Freeze({ state }: { state: MasterKey }) {
  const organization = useQuery(meQuery()).data?.organization.name ?? "";
  const [isAsking, setIsAsking] = useState(false);
  const freeze = useMutation(freezeSecrets);
  const unfreeze = useMutation(unfreezeSecrets);
  if (state.frozen_at) {
    return (
      <Notice
        tone="warning"
        title="Every secret is closed"
        action={
          <Button isBusy={unfreeze.isPending} onClick={() => unfreeze.mutate()}>
            Open secrets again
          </Button>
        }
      >
        <p>
          Since {absolute(state.frozen_at)}. Agents that run keep what they were given; nothing else
          is decrypted.
        </p>
        <FailureNotice failure={unfreeze.error} />
      </Notice>
    );
  }
  return (
    <Panel
      title="In an emergency"
      action={<Button onClick={() => setIsAsking(true)}>Freeze secrets</Button>}
    >
      <p>Freezing refuses every decryption, at once and until somebody opens secrets again.</p>
      <ConfirmDialog
        title="Freeze every secret?"
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        act="Freeze secrets"
        busyAct="Freezing…"
        toType={{ label: "Organization", name: organization }}
        isBusy={freeze.isPending}
        onConfirm={() => freeze.mutate(undefined, { onSuccess: () => setIsAsking(false) })}
      >
        <p>
          No agent can start, and no key can be leased. Agents that run go on until their leases
          end, and then only acknowledge messages.
        </p>
        <FailureNotice failure={freeze.error} />
      </ConfirmDialog>
    </Panel>
  );
}

function Wrapping({ state }: { state: MasterKey }) {
  const { mutate, error, isPending } = useMutation(rewrapDataKeys);
  const { rewrap } = state;
  const isRunning = rewrap?.status === "running";
  return (
    <Panel
      title="Wrapping"
      note="each version of a secret has a data key of its own"
      action={
        <Button isBusy={isPending || isRunning} busyLabel="Rewrapping…" onClick={() => mutate()}>
          Rewrap data keys
        </Button>
      }
    >
      <FailureNotice failure={error} />
      <Facts
        facts={[
          ["Master key now", <code key="now">{state.master_key_id ?? "not reached"}</code>],
          ...Object.entries(state.data_keys).map(([key, keys]): [string, string] => [
            `Under ${key}`,
            counted(keys, "data key"),
          ]),
          ...(rewrap
            ? ([
                ["Last rewrap", `${rewrap.status}, ${rewrap.rewrapped} of ${rewrap.total}`],
                ["Unreadable", counted(rewrap.unreadable, "data key")],
              ] as [string, string][])
            : []),
        ]}
      />
    </Panel>
  );
}

import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Allowed } from "~/api/permissions";
import { type ApiKey, apiKeysQuery, revokeApiKey } from "~/api/queries/administration";
import { Button } from "~/components/Button";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { FailureNotice } from "~/components/FailureNotice";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Time } from "~/components/Time";
import { NewKey } from "./NewKey";
import { SettingsTabs } from "./SettingsTabs";
import { scopesTold, TOLD_WHOLE } from "./scopes";

/** Who may call the API, and with which role. */
export function ApiKeys() {
  const query = useInfiniteQuery(apiKeysQuery());
  const [isMaking, setIsMaking] = useState(false);
  const make = (
    <Allowed to="api-keys:write">
      <Button kind="primary" onClick={() => setIsMaking(true)}>
        New API key
      </Button>
    </Allowed>
  );
  return (
    <>
      <PageHeader title="API keys" action={make} />
      <SettingsTabs />
      <Panel isFlush>
        <PagedList
          query={query}
          what="API keys"
          label="API keys"
          columns={COLUMNS}
          keyOf={(key) => key.id}
          empty={<EmptyState title="No API key" action={make} />}
        />
      </Panel>
      {isMaking && <NewKey onClose={() => setIsMaking(false)} />}
    </>
  );
}

const COLUMNS: Column<ApiKey>[] = [
  { name: "Name", render: ({ name }) => name },
  { name: "Role", render: (key) => <Rights apiKey={key} /> },
  {
    name: "Begins with",
    render: ({ prefix }) => (prefix ? <code>{prefix}</code> : "–"),
    isMinor: true,
  },
  {
    name: "Last used",
    render: ({ last_used_at }) => (last_used_at ? <Time at={last_used_at} /> : "Never"),
    isMinor: true,
  },
  {
    name: "Ends",
    render: ({ expires_at }) => (expires_at ? <Time at={expires_at} /> : "Never"),
    isMinor: true,
  },
  { name: "Made", render: ({ created_at }) => <Time at={created_at} />, isMinor: true },
  { name: "Act", isUnnamed: true, isNumber: true, render: (key) => <Revoke apiKey={key} /> },
];

/** A few scopes are named; more are unfolded by who wants to see them. */
function Rights({ apiKey: { role, scopes } }: { apiKey: ApiKey }) {
  const told = `${role}, ${scopesTold(scopes)}`;
  if (scopes === null || scopes.length <= TOLD_WHOLE) return told;
  return (
    <details>
      <summary>{told}</summary>
      {scopes.join(", ")}
    </details>
  );
}

function Revoke({ apiKey }: { apiKey: ApiKey }) {
  const [isAsking, setIsAsking] = useState(false);
  const { mutate, error, isPending } = useMutation(revokeApiKey);
  return (
    <>
      <Button onClick={() => setIsAsking(true)}>Revoke</Button>
      <ConfirmDialog
        title={`Revoke ${apiKey.name}?`}
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        act="Revoke key"
        busyAct="Revoking key…"
        isBusy={isPending}
        onConfirm={() => mutate(apiKey.id, { onSuccess: () => setIsAsking(false) })}
      >
        <p>Whatever uses it is refused from then on. A revoked key cannot be brought back.</p>
        <FailureNotice failure={error} />
      </ConfirmDialog>
    </>
  );
}

import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "~/api/errors";
import { Allowed } from "~/api/permissions";
import {
  type ApiKey,
  apiKeysQuery,
  createApiKey,
  type Role,
  revokeApiKey,
} from "~/api/queries/administration";
import { Button } from "~/components/Button";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { CopyText } from "~/components/CopyText";
import type { Column } from "~/components/DataList";
import { Dialog } from "~/components/Dialog";
import { EmptyState } from "~/components/EmptyState";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { TextField } from "~/components/inputs";
import { Notice } from "~/components/Notice";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Time } from "~/components/Time";
import { RoleSelect } from "./RoleSelect";
import { SettingsTabs } from "./SettingsTabs";

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
  { name: "Role", render: ({ role }) => role },
  {
    name: "Begins with",
    render: ({ prefix }) => (prefix ? <code>{prefix}…</code> : "–"),
    isMinor: true,
  },
  {
    name: "Last used",
    render: ({ last_used_at }) => (last_used_at ? <Time at={last_used_at} /> : "Never"),
    isMinor: true,
  },
  { name: "Made", render: ({ created_at }) => <Time at={created_at} />, isMinor: true },
  { name: "Act", isUnnamed: true, isNumber: true, render: (key) => <Revoke apiKey={key} /> },
];

/** The key is shown once, from this component's own state: no cache ever holds it. */
function NewKey({ onClose }: { onClose: () => void }) {
  const { mutate, data, error, isPending } = useMutation(createApiKey);
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    mutate({ name: String(form.get("name")).trim(), role: form.get("role") as Role });
  }

  return (
    <Dialog title="New API key" isOpen onClose={onClose}>
      {data?.key ? (
        <>
          <Notice tone="warning">
            <p>This is the only time it is shown. Keep it where secrets are kept.</p>
          </Notice>
          <CopyText label="the API key" text={data.key} />
          <Button kind="primary" onClick={onClose}>
            Close
          </Button>
        </>
      ) : (
        <Form onSubmit={submit}>
          <TextField label="Name" name="name" required maxLength={200} error={errors.name} />
          <RoleSelect error={errors.role} />
          <FailureNotice failure={error} />
          <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Making key…">
            Make key
          </Button>
        </Form>
      )}
    </Dialog>
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

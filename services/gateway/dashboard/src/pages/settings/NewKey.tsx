import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "~/api/errors";
import { createApiKey, type Role } from "~/api/queries/administration";
import type { Permission } from "~/api/queries/session";
import { Button } from "~/components/Button";
import { CheckGroup } from "~/components/CheckGroup";
import { CopyText } from "~/components/CopyText";
import { Dialog } from "~/components/Dialog";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { Select, TextField } from "~/components/inputs";
import { Notice } from "~/components/Notice";
import { RoleSelect } from "./RoleSelect";
import { scopesOf } from "./scopes";

/** The key is shown once, from this component's own state: no cache ever holds it. */
export function NewKey({ onClose }: { onClose: () => void }) {
  const { mutate, data, error, isPending } = useMutation(createApiKey);
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const ends = String(form.get("expires_at"));
    mutate({
      name: String(form.get("name")).trim(),
      role: form.get("role") as Role,
      scopes: form.get("width") === "chosen" ? (form.getAll("scopes") as Permission[]) : null,
      expires_at: ends ? new Date(ends).toISOString() : null,
    });
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
          <TextField label="Name" name="name" required maxLength={100} error={errors.name} />
          <Rights errors={errors} />
          <TextField
            label="Ends"
            name="expires_at"
            type="datetime-local"
            isOptional
            help="From then on it is refused. Without an end it is good until it is revoked."
            error={errors.expires_at}
          />
          <FailureNotice failure={error} />
          <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Making key…">
            Make key
          </Button>
        </Form>
      )}
    </Dialog>
  );
}

/** What a key may: all that its role may, or only some of it. */
function Rights({ errors }: { errors: Record<string, string> }) {
  const [role, setRole] = useState<Role>("viewer");
  const [width, setWidth] = useState("all");
  return (
    <>
      <RoleSelect
        value={role}
        onChange={(event) => setRole(event.target.value as Role)}
        error={errors.role}
      />
      <Select
        label="Rights"
        name="width"
        value={width}
        onChange={(event) => setWidth(event.target.value)}
        help="A program that reads usage needs no more than usage:read."
      >
        <option value="all">All that the role may</option>
        <option value="chosen">Only the scopes chosen here</option>
      </Select>
      {width === "chosen" && (
        <CheckGroup
          label="Scopes"
          name="scopes"
          choices={scopesOf(role).map((value) => ({ value, name: value }))}
          chosen={[]}
          error={errors.scopes}
        />
      )}
    </>
  );
}

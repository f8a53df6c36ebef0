import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "~/api/errors";
import { Allowed } from "~/api/permissions";
import type { Role } from "~/api/queries/administration";
import {
  inviteAgain,
  invitePerson,
  type Person,
  peopleQuery,
  removePerson,
  updatePerson,
} from "~/api/queries/people";
import { Button } from "~/components/Button";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { CopyText } from "~/components/CopyText";
import type { Column } from "~/components/DataList";
import { Dialog } from "~/components/Dialog";
import { EmptyState } from "~/components/EmptyState";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { TextField } from "~/components/inputs";
import { Menu } from "~/components/Menu";
import { Notice } from "~/components/Notice";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Status, type Tone } from "~/components/Status";
import { Time } from "~/components/Time";
import { RoleSelect } from "./RoleSelect";
import { SettingsTabs } from "./SettingsTabs";

/** Who may come in, and what they may do. */
export function People() {
  const query = useInfiniteQuery(peopleQuery());
  const [isInviting, setIsInviting] = useState(false);
  const invite = (
    <Allowed to="users:write">
      <Button kind="primary" onClick={() => setIsInviting(true)}>
        Invite person
      </Button>
    </Allowed>
  );
  return (
    <>
      <PageHeader title="People" action={invite} />
      <SettingsTabs />
      <Panel isFlush>
        <PagedList
          query={query}
          what="people"
          label="People"
          columns={COLUMNS}
          keyOf={(person) => person.id}
          empty={<EmptyState title="Nobody yet" action={invite} />}
        />
      </Panel>
      {isInviting && <Invite onClose={() => setIsInviting(false)} />}
    </>
  );
}

const TOLD: Record<Person["status"], { tone: Tone; word: string }> = {
  active: { tone: "ok", word: "Active" },
  invited: { tone: "busy", word: "Invited" },
  disabled: { tone: "off", word: "Disabled" },
};

const COLUMNS: Column<Person>[] = [
  { name: "Email", render: ({ email }) => email },
  { name: "Name", render: ({ name }) => name ?? "–", isMinor: true },
  { name: "Role", render: ({ role }) => role },
  { name: "Status", render: ({ status }) => <Status {...TOLD[status]} />, isMinor: true },
  {
    name: "Last in",
    render: ({ last_login_at }) => (last_login_at ? <Time at={last_login_at} /> : "Never"),
    isMinor: true,
  },
  { name: "Act", isUnnamed: true, isNumber: true, render: (person) => <Acts person={person} /> },
];

function Invite({ onClose }: { onClose: () => void }) {
  const { mutate, data, error, isPending } = useMutation(invitePerson);
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    mutate({ email: String(form.get("email")).trim(), role: form.get("role") as Role });
  }

  return (
    <Dialog title="Invite person" isOpen onClose={onClose}>
      {data?.invitation_link ? (
        <Link link={data.invitation_link} />
      ) : (
        <Form onSubmit={submit}>
          <TextField label="Email" name="email" type="email" required error={errors.email} />
          <RoleSelect error={errors.role} />
          <FailureNotice failure={error} />
          <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Making link…">
            Make invitation link
          </Button>
        </Form>
      )}
    </Dialog>
  );
}

function Link({ link }: { link: string }) {
  return (
    <>
      <Notice tone="warning">
        <p>Pass this link on yourself: no mail is sent, it works once, and it is shown only now.</p>
      </Notice>
      <CopyText label="the invitation link" text={link} />
    </>
  );
}

function Acts({ person }: { person: Person }) {
  const [isRemoving, setIsRemoving] = useState(false);
  const invite = useMutation(inviteAgain);
  const update = useMutation(updatePerson);
  const remove = useMutation(removePerson);
  const isDisabled = person.status === "disabled";
  const failure = invite.error ?? update.error;
  return (
    <>
      <Menu
        label={`Acts on ${person.email}`}
        items={[
          { name: "Make a new link", onSelect: () => invite.mutate(person.id) },
          {
            name: isDisabled ? "Let in again" : "Let in no more",
            onSelect: () => update.mutate({ id: person.id, patch: { is_enabled: isDisabled } }),
          },
          { name: "Remove person", onSelect: () => setIsRemoving(true) },
        ]}
      />
      <FailureNotice failure={failure} />
      <Dialog
        title={`A link for ${person.email}`}
        isOpen={invite.data?.invitation_link != null}
        onClose={invite.reset}
      >
        <Link link={invite.data?.invitation_link ?? ""} />
      </Dialog>
      <ConfirmDialog
        title={`Remove ${person.email}?`}
        isOpen={isRemoving}
        onClose={() => setIsRemoving(false)}
        act="Remove person"
        busyAct="Removing…"
        isBusy={remove.isPending}
        onConfirm={() => remove.mutate(person.id, { onSuccess: () => setIsRemoving(false) })}
      >
        <p>All sessions of this person end at once. What was done stays in the audit.</p>
        <FailureNotice failure={remove.error} />
      </ConfirmDialog>
    </>
  );
}

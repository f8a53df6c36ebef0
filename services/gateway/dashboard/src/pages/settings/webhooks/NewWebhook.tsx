import { useMutation } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { fieldsOf } from "~/api/errors";
import { createWebhook, type EventName } from "~/api/queries/webhooks";
import { Button } from "~/components/Button";
import { CheckGroup } from "~/components/CheckGroup";
import { CopyText } from "~/components/CopyText";
import { Dialog } from "~/components/Dialog";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { SecretField, TextField } from "~/components/inputs";
import { Notice } from "~/components/Notice";
import { EVENT_CHOICES, EVENTS_AT_FIRST } from "./model";

/** The secret is shown once, from this component's own state: no list ever holds it. */
export function NewWebhook({ onClose }: { onClose: () => void }) {
  const { mutate, data, error, isPending } = useMutation(createWebhook);
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    mutate({
      name: String(form.get("name")).trim(),
      url: String(form.get("url")).trim(),
      events: form.getAll("events") as EventName[],
    });
  }

  return (
    <Dialog title="New webhook" isOpen onClose={onClose}>
      {data?.secret ? (
        <>
          <Notice tone="warning">
            <p>
              This is the only time it is shown. The receiver verifies with it that a delivery is
              ours.
            </p>
          </Notice>
          <CopyText label="the signing secret" text={data.secret} />
          <Button kind="primary" onClick={onClose}>
            Close
          </Button>
        </>
      ) : (
        <Form onSubmit={submit}>
          <TextField label="Name" name="name" required maxLength={100} error={errors.name} />
          <SecretField
            label="URL"
            name="url"
            required
            placeholder="https://"
            help="It may hold a token: it is kept sealed, and only its origin is shown again."
            error={errors.url}
          />
          <CheckGroup
            label="Events"
            name="events"
            choices={EVENT_CHOICES}
            chosen={EVENTS_AT_FIRST}
            error={errors.events}
          />
          <FailureNotice failure={error} />
          <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Creating webhook…">
            Create webhook
          </Button>
        </Form>
      )}
    </Dialog>
  );
}

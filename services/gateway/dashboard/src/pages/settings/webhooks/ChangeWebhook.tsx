import { useMutation } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { fieldsOf } from "~/api/errors";
import { type EventName, updateWebhook, type Webhook } from "~/api/queries/webhooks";
import { Button } from "~/components/Button";
import { CheckGroup } from "~/components/CheckGroup";
import { Dialog } from "~/components/Dialog";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { TextField } from "~/components/inputs";
import { EVENT_CHOICES } from "./model";

/** Another name, or other events; the URL stays what its secret was made for. */
export function ChangeWebhook({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const { mutate, error, isPending } = useMutation(updateWebhook);
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const patch = {
      name: String(form.get("name")).trim(),
      events: form.getAll("events") as EventName[],
    };
    mutate({ id: webhook.id, patch }, { onSuccess: onClose });
  }

  return (
    <Dialog title={`Change ${webhook.name}`} isOpen onClose={onClose}>
      <Form onSubmit={submit}>
        <TextField
          label="Name"
          name="name"
          required
          maxLength={100}
          defaultValue={webhook.name}
          error={errors.name}
        />
        <CheckGroup
          label="Events"
          name="events"
          choices={EVENT_CHOICES}
          chosen={webhook.events}
          error={errors.events}
        />
        <p>
          It goes on leading to <code>{webhook.origin}</code>: for another URL, make another
          webhook, with a secret of its own.
        </p>
        <FailureNotice failure={error} />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Saving…">
          Save changes
        </Button>
      </Form>
    </Dialog>
  );
}

import { useMutation } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { fieldsOf } from "~/api/errors";
import { type Provider, updateProvider } from "~/api/queries/providers";
import { Button } from "~/components/Button";
import { Dialog } from "~/components/Dialog";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { TextField } from "~/components/inputs";
import { patchOf } from "./model";

/** What of a provider may change without its key: its name, its use case, its limits. */
export function EditProvider({ provider, onClose }: { provider: Provider; onClose: () => void }) {
  const { mutate, error, isPending } = useMutation(updateProvider);
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const patch = patchOf(new FormData(event.currentTarget));
    mutate({ id: provider.id, version: provider.version, patch }, { onSuccess: onClose });
  }

  return (
    <Dialog title={`Edit ${provider.name}`} isOpen onClose={onClose}>
      <Form onSubmit={submit}>
        <TextField
          label="Name"
          name="name"
          required
          maxLength={200}
          defaultValue={provider.name}
          error={errors.name}
        />
        <TextField
          label="Use case"
          name="use_case"
          isOptional
          defaultValue={provider.use_case ?? undefined}
          help="Spending can be told by it."
          error={errors.use_case}
        />
        <Form.Pair>
          <Limit
            label="Requests a minute"
            name="requests_per_minute"
            value={provider.limits.requests_per_minute}
            error={errors["limits.requests_per_minute"]}
          />
          <Limit
            label="Tokens a minute"
            name="tokens_per_minute"
            value={provider.limits.tokens_per_minute}
            error={errors["limits.tokens_per_minute"]}
          />
        </Form.Pair>
        <Limit
          label="Concurrent calls"
          name="concurrent"
          value={provider.limits.concurrent}
          error={errors["limits.concurrent"]}
        />
        <FailureNotice failure={error} />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Saving…">
          Save changes
        </Button>
      </Form>
    </Dialog>
  );
}

interface LimitProps {
  label: string;
  name: string;
  value: number | null;
  error: string | undefined;
}

function Limit({ value, ...field }: LimitProps) {
  return (
    <TextField
      {...field}
      type="number"
      min={1}
      isOptional
      placeholder="No limit"
      defaultValue={value ?? undefined}
    />
  );
}

import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, fieldsOf } from "~/api/errors";
import { type Provider, providerQuery, updateProvider } from "~/api/queries/providers";
import { useSeen } from "~/api/useSeen";
import { Button } from "~/components/Button";
import { Dialog } from "~/components/Dialog";
import { Form } from "~/components/Form";
import { TextField } from "~/components/inputs";
import { SaveFailure } from "~/components/SaveFailure";
import { CredentialFields } from "./CredentialFields";
import { accessOf, patchOf } from "./model";
import { PlaceFields } from "./PlaceFields";

/** What may change of a provider: what it is called, where it is asked, and its limits. A key
 *  is asked for only where the API says that the one it has does not go along to another host. */
export function EditProvider({ provider, onClose }: { provider: Provider; onClose: () => void }) {
  const { seen, reload } = useSeen(provider, (client) =>
    client.fetchQuery({ ...providerQuery(provider.id), staleTime: 0 }),
  );
  const [isKeyNeeded, setIsKeyNeeded] = useState(false);
  const { mutate, error, isPending, reset } = useMutation(updateProvider);
  const errors = fieldsOf(error);

  function beginAnew() {
    setIsKeyNeeded(false);
    reset();
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const patch = patchOf(new FormData(event.currentTarget), seen);
    const onError = (failure: Error) => setIsKeyNeeded(isKeyNeeded || needsKey(failure));
    mutate({ id: seen.id, version: seen.version, patch }, { onSuccess: onClose, onError });
  }

  return (
    <Dialog title={`Edit ${seen.name}`} isOpen onClose={onClose}>
      <Form key={seen.version} onSubmit={submit}>
        <TextField
          label="Name"
          name="name"
          required
          maxLength={100}
          defaultValue={seen.name}
          error={errors.name}
        />
        <TextField
          label="Use case"
          name="use_case"
          isOptional
          defaultValue={seen.use_case ?? undefined}
          help="Spending can be told by it."
          error={errors.use_case}
        />
        <PlaceFields type={seen.type} errors={errors} place={seen} />
        {isKeyNeeded && (
          <CredentialFields type={seen.type} errors={errors} access={accessOf(seen)} />
        )}
        <Form.Pair>
          <Limit
            label="Requests a minute"
            name="requests_per_minute"
            value={seen.limits.requests_per_minute}
            error={errors["limits.requests_per_minute"]}
          />
          <Limit
            label="Tokens a minute"
            name="tokens_per_minute"
            value={seen.limits.tokens_per_minute}
            error={errors["limits.tokens_per_minute"]}
          />
        </Form.Pair>
        <Limit
          label="Concurrent calls"
          name="concurrent"
          value={seen.limits.concurrent}
          error={errors["limits.concurrent"]}
        />
        <SaveFailure
          failure={error ?? reload.error}
          what="provider"
          onReload={() => reload.mutate(undefined, { onSuccess: beginAnew })}
          isReloading={reload.isPending}
        />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Saving…">
          Save changes
        </Button>
      </Form>
    </Dialog>
  );
}

/** A secret goes along to no other host than the one it was given for. */
function needsKey(failure: Error): boolean {
  return failure instanceof ApiError && failure.code === "SECRET_REQUIRED";
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

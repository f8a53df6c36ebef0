import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "~/api/errors";
import { type Provider, updateProvider } from "~/api/queries/providers";
import { Button } from "~/components/Button";
import { Dialog } from "~/components/Dialog";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { CredentialFields } from "./CredentialFields";
import { lackingIn, secretsOf } from "./model";

interface ReplaceKeyProps {
  provider: Provider;
  isOpen: boolean;
  onClose: () => void;
}

/** A new secret in the place of the old one, as a task of its own: no other form of a
 *  provider holds a secret, so none can be overwritten by mistake. */
export function ReplaceKey({ provider, isOpen, onClose }: ReplaceKeyProps) {
  const { mutate, error, isPending, reset } = useMutation(updateProvider);
  const [lacking, setLacking] = useState<Record<string, string>>({});
  const errors = { ...fieldsOf(error), ...lacking };

  function close() {
    reset();
    setLacking({});
    onClose();
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const lacks = lackingIn(form);
    setLacking(lacks);
    if (Object.keys(lacks).length > 0) return;
    mutate({ id: provider.id, patch: secretsOf(form) }, { onSuccess: close });
  }

  return (
    <Dialog title={`Replace the key of ${provider.name}`} isOpen={isOpen} onClose={close}>
      <p>
        Calls use the new key at once. An agent that was given the old one in its environment keeps
        it until it restarts; the proxy puts the new one on the wire all the same.
      </p>
      <Form onSubmit={submit}>
        <CredentialFields type={provider.type} errors={errors} />
        <FailureNotice failure={error} />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Replacing key…">
          Replace key
        </Button>
      </Form>
    </Dialog>
  );
}

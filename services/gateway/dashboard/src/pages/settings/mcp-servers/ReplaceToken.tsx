import { useMutation } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { fieldsOf } from "~/api/errors";
import { type McpServer, replaceMcpToken } from "~/api/queries/mcpServers";
import { Button } from "~/components/Button";
import { Dialog } from "~/components/Dialog";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { SecretField } from "~/components/inputs";

/** Another token, which runners use at once; an empty field takes it away. */
export function ReplaceToken({ server, onClose }: { server: McpServer; onClose: () => void }) {
  const { mutate, error, isPending } = useMutation(replaceMcpToken);
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get("token")).trim() || null;
    mutate({ id: server.id, token }, { onSuccess: onClose });
  }

  return (
    <Dialog title={`Replace the token of ${server.name}`} isOpen onClose={onClose}>
      <Form onSubmit={submit}>
        <SecretField
          label="Token"
          name="token"
          isOptional
          help="Empty: the server is asked without one. Agents need no restart."
          error={errors.token}
        />
        <FailureNotice failure={error} />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Replacing token…">
          Replace token
        </Button>
      </Form>
    </Dialog>
  );
}

import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { fieldsOf } from "~/api/errors";
import { createMcpServer } from "~/api/queries/mcpServers";
import { Button } from "~/components/Button";
import { Dialog } from "~/components/Dialog";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { SecretField, TextField } from "~/components/inputs";

/** A server with its token; what comes next is to look at its tools. */
export function AddMcpServer({ onClose }: { onClose: () => void }) {
  const { mutate, error, isPending } = useMutation(createMcpServer);
  const navigate = useNavigate();
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const body = {
      name: String(form.get("name")).trim(),
      url: String(form.get("url")).trim(),
      token: String(form.get("token")).trim() || null,
    };
    mutate(body, {
      onSuccess: ({ id }) => navigate({ to: "/settings/mcp-servers/$id", params: { id } }),
    });
  }

  return (
    <Dialog title="Add MCP server" isOpen onClose={onClose}>
      <Form onSubmit={submit}>
        <TextField
          label="Name"
          name="name"
          required
          maxLength={24}
          pattern="[a-z0-9]([a-z0-9\-]*[a-z0-9])?"
          placeholder="tickets"
          help="Lower case letters, digits and hyphens: models know its tools as tickets__search. It cannot be changed."
          error={errors.name}
        />
        <TextField
          label="URL"
          name="url"
          required
          spellCheck={false}
          placeholder="https://mcp.example.com/mcp"
          help="Where it speaks MCP over streamable HTTP. Another URL is another server."
          error={errors.url}
        />
        <SecretField
          label="Token"
          name="token"
          isOptional
          help="Sent as Authorization: Bearer. It is kept sealed and never shown again."
          error={errors.token}
        />
        <FailureNotice failure={error} />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Adding MCP server…">
          Add MCP server
        </Button>
      </Form>
    </Dialog>
  );
}

import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import type { Schemas } from "~/api/client";
import { fieldsOf } from "~/api/errors";
import { acceptInvitation, invitationQuery } from "~/api/queries/session";
import { Button } from "~/components/Button";
import { ButtonLink } from "~/components/ButtonLink";
import { EmptyState } from "~/components/EmptyState";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { TextField } from "~/components/inputs";
import { Loaded } from "~/components/Loaded";
import { Door } from "./Door";

/** Where a one-time link leads: one sets a password and is in. */
export function Welcome() {
  const token = useTokenOfLink();
  const invitation = useQuery(invitationQuery(token));
  return (
    <Door title="Welcome">
      {token === "" ? (
        <EmptyState title="This link is not whole" action={<ButtonLink to="/">Sign in</ButtonLink>}>
          Copy all of it, with what follows the #.
        </EmptyState>
      ) : (
        <Loaded query={invitation} what="invitation">
          {(found) => <SetPassword token={token} invitation={found} />}
        </Loaded>
      )}
    </Door>
  );
}

/** Take the secret of the link out of the address, where it would stay in the history. */
function useTokenOfLink(): string {
  const [token] = useState(() => window.location.hash.slice(1));
  useEffect(() => {
    window.history.replaceState(window.history.state, "", window.location.pathname);
  }, []);
  return token;
}

interface SetPasswordProps {
  token: string;
  invitation: Schemas["InvitationView"];
}

function SetPassword({ token, invitation }: SetPasswordProps) {
  const { mutate, error, isPending } = useMutation(acceptInvitation);
  const navigate = useNavigate();
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const email = String(form.get("email") ?? "").trim();
    const name = String(form.get("name") ?? "").trim();
    mutate(
      {
        token,
        password: String(form.get("password")),
        ...(email && { email }),
        ...(name && { name }),
      },
      { onSuccess: () => navigate({ to: "/" }) },
    );
  }

  return (
    <>
      <p>
        You join {invitation.organization} as {invitation.role}
        {invitation.email && `, ${invitation.email}`}.
      </p>
      <Form onSubmit={submit}>
        {invitation.email === null && (
          <TextField
            label="Email"
            name="email"
            type="email"
            autoComplete="username"
            required
            help="You sign in with it; no mail is sent."
            error={errors.email}
          />
        )}
        <TextField
          label="Your name"
          name="name"
          autoComplete="name"
          isOptional
          defaultValue={invitation.name ?? undefined}
          error={errors.name}
        />
        <TextField
          label="New password"
          name="password"
          type="password"
          autoComplete="new-password"
          required
          help="12 characters or more."
          error={errors.password}
        />
        <FailureNotice failure={error} />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Setting password…">
          Set password and sign in
        </Button>
      </Form>
    </>
  );
}

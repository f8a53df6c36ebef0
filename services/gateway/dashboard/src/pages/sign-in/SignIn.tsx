import { useMutation, useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { fieldsOf } from "~/api/errors";
import { oidcQuery, signIn } from "~/api/queries/session";
import { Button } from "~/components/Button";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { TextField } from "~/components/inputs";
import { Door } from "./Door";
import styles from "./Door.module.css";

/** The way in for whoever has a password. */
export function SignIn() {
  const { mutate, error, isPending } = useMutation(signIn);
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    mutate({ email: String(form.get("email")).trim(), password: String(form.get("password")) });
  }

  return (
    <Door title="Sign in">
      <Form onSubmit={submit}>
        <TextField
          label="Email"
          name="email"
          type="email"
          autoComplete="username"
          required
          error={errors.email}
        />
        <TextField
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          error={errors.password}
        />
        <FailureNotice failure={error} />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Signing in…">
          Sign in
        </Button>
      </Form>
      <IdentityProvider />
      <p>
        The first person comes in by the one-time link that the start of the stack prints; everybody
        else by a link from whoever invites them.
      </p>
    </Door>
  );
}

/** The other way in, where the organization has one. It leaves the dashboard and comes back. */
function IdentityProvider() {
  const isEnabled = useQuery(oidcQuery()).data?.is_enabled ?? false;
  if (!isEnabled) return null;
  return (
    <a href="/api/oidc/start" className={styles.other}>
      Sign in with your identity provider
    </a>
  );
}

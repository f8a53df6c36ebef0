import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "~/api/errors";
import { rotateProvider } from "~/api/queries/jobs";
import { type Provider, providersQuery } from "~/api/queries/providers";
import { Button } from "~/components/Button";
import { Choices } from "~/components/Choices";
import { Dialog } from "~/components/Dialog";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { Select, Switch } from "~/components/inputs";
import { CredentialFields } from "./CredentialFields";
import { secretsOf } from "./model";

interface RotateProviderProps {
  provider: Provider;
  onClose: () => void;
}

/** A new key, or another provider, without losing a message: a job with steps. */
export function RotateProvider({ provider, onClose }: RotateProviderProps) {
  const { mutate, error, isPending } = useMutation(rotateProvider);
  const [way, setWay] = useState("key");
  const navigate = useNavigate();
  const others = useOthers(provider);
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const rotation =
      way === "key"
        ? secretsOf(form)
        : {
            to_provider_id: String(form.get("to_provider_id")),
            delete_old: form.get("delete_old") === "on",
          };
    mutate(
      { id: provider.id, rotation },
      { onSuccess: ({ id }) => navigate({ to: "/system/jobs/$id", params: { id } }) },
    );
  }

  return (
    <Dialog title={`Rotate ${provider.name}`} isOpen onClose={onClose}>
      <p>
        The new one is tested first. Then agents restart with it, a few at a time, and no message is
        lost; if it cannot go on, all is put back.
      </p>
      <Form onSubmit={submit}>
        <Choices
          label="To what"
          name="way"
          value={way}
          onChange={setWay}
          choices={[
            { value: "key", name: "A new key", hint: "The provider keeps its name." },
            {
              value: "provider",
              name: "Another provider",
              hint: "Agent types and fallbacks move.",
              barred: others.length === 0 ? "There is no other of this type." : undefined,
            },
          ]}
        />
        {way === "key" ? (
          <CredentialFields type={provider.type} errors={errors} />
        ) : (
          <>
            <Select label="Move to" name="to_provider_id" error={errors.to_provider_id}>
              {others.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </Select>
            <Switch name="delete_old" label={`Delete ${provider.name} in the end`} />
          </>
        )}
        <FailureNotice failure={error} />
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Starting rotation…">
          Start rotation
        </Button>
      </Form>
    </Dialog>
  );
}

function useOthers({ id, type }: Provider): Provider[] {
  const all = useInfiniteQuery(providersQuery()).data?.pages.flatMap((page) => page.data) ?? [];
  return all.filter((each) => each.id !== id && each.type === type);
}

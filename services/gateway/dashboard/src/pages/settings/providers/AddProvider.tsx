import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "~/api/errors";
import { createProvider, type ProviderType, tryProvider } from "~/api/queries/providers";
import { Button } from "~/components/Button";
import { ButtonRow } from "~/components/ButtonRow";
import { Choices } from "~/components/Choices";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { Switch, TextField } from "~/components/inputs";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { BedrockPrerequisites } from "./BedrockPrerequisites";
import { CredentialFields } from "./CredentialFields";
import { submissionOf, TYPE_HINTS, TYPE_NAMES } from "./model";
import { PlaceFields } from "./PlaceFields";
import { TestResult } from "./TestResult";

const TYPES = Object.entries(TYPE_NAMES).map(([value, name]) => ({
  value,
  name,
  hint: TYPE_HINTS[value as ProviderType],
}));

/** A new provider: its type, then the fields of that type. */
export function AddProvider() {
  const [type, setType] = useState<ProviderType>("openai");
  const create = useMutation(createProvider);
  const trial = useMutation(tryProvider);
  const navigate = useNavigate();
  const error = create.error ?? trial.error;
  const errors = fieldsOf(error);

  /** The button that was pressed says whether to try the provider or to keep it. */
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const submission = submissionOf(new FormData(event.currentTarget), type);
    const { submitter } = event.nativeEvent as SubmitEvent;
    create.reset();
    trial.reset();
    if (submitter?.getAttribute("value") === "test") {
      trial.mutate(submission);
      return;
    }
    create.mutate(submission, {
      onSuccess: ({ id }) => navigate({ to: "/settings/providers/$id", params: { id } }),
    });
  }

  return (
    <>
      <PageHeader title="Add provider" />
      <Panel>
        <Form onSubmit={submit}>
          <Choices
            label="Type"
            name="type"
            choices={TYPES}
            value={type}
            onChange={(chosen) => setType(chosen as ProviderType)}
          />
          <TextField
            label="Name"
            name="name"
            required
            maxLength={200}
            placeholder={`${type}-production`}
            error={errors.name}
          />
          {type === "bedrock" && <BedrockPrerequisites />}
          <PlaceFields type={type} errors={errors} />
          <CredentialFields key={type} type={type} errors={errors} />
          <TextField
            label="Use case"
            name="use_case"
            isOptional
            help="Spending can be told by it."
            error={errors.use_case}
          />
          <Switch
            name="allow_incomplete"
            label="Save even if something is missing; its agents then only acknowledge messages"
          />
          <FailureNotice failure={error} />
          {trial.data && <TestResult result={trial.data} />}
          <ButtonRow>
            <Button
              type="submit"
              kind="primary"
              isBusy={create.isPending}
              busyLabel="Adding provider…"
            >
              Add provider
            </Button>
            <Button
              type="submit"
              value="test"
              isBusy={trial.isPending}
              busyLabel="Testing provider…"
            >
              Test provider
            </Button>
          </ButtonRow>
        </Form>
      </Panel>
    </>
  );
}

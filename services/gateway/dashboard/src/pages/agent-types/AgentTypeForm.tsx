import { useInfiniteQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, explained } from "~/api/errors";
import type { AgentType } from "~/api/queries/agentTypes";
import { providersQuery } from "~/api/queries/providers";
import { Button } from "~/components/Button";
import { ExplanationNotice } from "~/components/ExplanationNotice";
import { Form } from "~/components/Form";
import { Select, TextArea, TextField } from "~/components/inputs";
import { type AgentTypeFields, saveWords, submissionOf, suggestedSlug } from "./model";

interface AgentTypeFormProps {
  /** The version that is being changed; null for a new type. */
  type: AgentType | null;
  onSubmit: (submission: AgentTypeFields) => void;
  error: Error | null;
  isPending: boolean;
}

/** Which provider and model, with what instructions, and what happens without a key. */
export function AgentTypeForm({ type, onSubmit, error, isPending }: AgentTypeFormProps) {
  const providers = useInfiniteQuery(providersQuery()).data?.pages.flatMap((page) => page.data);
  const [name, setName] = useState(type?.name ?? "");
  const errors = error instanceof ApiError ? error.fields : {};

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    onSubmit(submissionOf(new FormData(event.currentTarget)));
  }

  return (
    <Form onSubmit={submit}>
      <TextField
        label="Name"
        name="name"
        required
        maxLength={200}
        value={name}
        onChange={(event) => setName(event.target.value)}
        error={errors.name}
      />
      <TextField
        key={type ? "own" : suggestedSlug(name)}
        label="Slug"
        name="slug"
        required
        defaultValue={type?.slug ?? suggestedSlug(name)}
        help="Programs ask any agent of this type at /api/v1/ask/ and this word."
        error={errors.slug}
      />
      <Select
        key={providers ? "loaded" : "loading"}
        label="Provider"
        name="provider_id"
        defaultValue={type?.provider_id}
        error={errors.provider_id}
      >
        {(providers ?? []).map((provider) => (
          <option key={provider.id} value={provider.id}>
            {provider.name}
          </option>
        ))}
      </Select>
      <TextField
        label="Model"
        name="model"
        required
        defaultValue={type?.model}
        placeholder="gpt-5-mini"
        spellCheck={false}
        error={errors.model}
      />
      <TextArea
        label="Instructions"
        name="system_prompt"
        isOptional
        rows={6}
        defaultValue={type?.system_prompt}
        help="The system prompt of its agents."
        error={errors.system_prompt}
      />
      <TextField
        label="Temperature"
        name="temperature"
        type="number"
        min={0}
        max={2}
        step={0.1}
        isOptional
        defaultValue={type?.temperature ?? undefined}
        error={errors.temperature}
      />
      <TextField
        label="Longest answer"
        name="max_tokens"
        type="number"
        min={1}
        isOptional
        defaultValue={type?.max_tokens ?? undefined}
        help="In tokens."
        error={errors.max_tokens}
      />
      <TextField
        label="Use case"
        name="use_case"
        isOptional
        defaultValue={type?.use_case ?? undefined}
        help="Spending can be told by it."
        error={errors.use_case}
      />
      <Select
        label="Without a usable key"
        name="on_ack_only"
        defaultValue={type?.on_ack_only}
        help="What happens to messages while the provider's credential is missing or expired."
        error={errors.on_ack_only}
      >
        <option value="acknowledge">Acknowledge messages with the reason</option>
        <option value="hold">Hold messages until the key is back</option>
      </Select>
      {error && <ExplanationNotice explanation={explained(error)} />}
      <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Saving…">
        {saveWords(type)}
      </Button>
    </Form>
  );
}

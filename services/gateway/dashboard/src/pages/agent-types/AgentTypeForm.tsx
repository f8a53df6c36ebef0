import { useInfiniteQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { fieldsOf } from "~/api/errors";
import { Allowed } from "~/api/permissions";
import type { AgentRuntime, AgentType } from "~/api/queries/agentTypes";
import { type Provider, providersQuery } from "~/api/queries/providers";
import { Button } from "~/components/Button";
import { ButtonLink } from "~/components/ButtonLink";
import { EmptyState } from "~/components/EmptyState";
import { FailureNotice } from "~/components/FailureNotice";
import { Form } from "~/components/Form";
import { Select, TextArea, TextField } from "~/components/inputs";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";
import { BudgetFields } from "./BudgetFields";
import { Fallbacks } from "./Fallbacks";
import { ModelPicker } from "./ModelPicker";
import { type AgentTypeFields, saveWords, submissionOf, suggestedSlug } from "./model";
import { ResidencyFields } from "./ResidencyFields";
import { ToolFields } from "./ToolFields";
import { WhereItRuns } from "./WhereItRuns";

interface AgentTypeFormProps {
  /** The version that is being changed; null for a new type. */
  type: AgentType | null;
  /** Where agents of a new type run, if whoever came here knows already. */
  runtime?: AgentRuntime | undefined;
  onSubmit: (submission: AgentTypeFields) => void;
  error: Error | null;
  isPending: boolean;
}

/** What agents of a type are, may use, and run in. */
export function AgentTypeForm(props: AgentTypeFormProps) {
  const query = useInfiniteQuery(providersQuery());
  return (
    <Loaded query={query} what="providers" lines={8}>
      {({ pages }) => {
        const providers = pages.flatMap((page) => page.data);
        return providers.length === 0 ? (
          <NoProvider />
        ) : (
          <Fields {...props} providers={providers} />
        );
      }}
    </Loaded>
  );
}

function NoProvider() {
  return (
    <Panel>
      <EmptyState
        title="No provider yet"
        action={
          <ButtonLink kind="primary" to="/settings/providers/new">
            Add provider
          </ButtonLink>
        }
      >
        Agents call models through a provider. Add one first.
      </EmptyState>
    </Panel>
  );
}

interface FieldsProps extends AgentTypeFormProps {
  providers: Provider[];
}

function Fields({ type, runtime, onSubmit, error, isPending, providers }: FieldsProps) {
  const errors = fieldsOf(error);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    onSubmit(submissionOf(new FormData(event.currentTarget)));
  }

  return (
    <Form onSubmit={submit} isWide>
      <Panel title="What it is">
        <Naming type={type} errors={errors} />
      </Panel>
      <Panel title="Which model">
        <Models type={type} providers={providers} errors={errors} />
      </Panel>
      <Panel title="Where its data may go">
        <ResidencyFields residency={type?.residency ?? null} errors={errors} />
      </Panel>
      <Panel title="How it answers">
        <Answering type={type} errors={errors} />
      </Panel>
      <Panel title="What it may use">
        <ToolFields tools={type?.tools ?? []} limits={type?.limits} errors={errors} />
      </Panel>
      <Panel title="What it may spend">
        <BudgetFields
          key={JSON.stringify(type?.budget)}
          budget={type?.budget ?? null}
          errors={errors}
        />
      </Panel>
      <Panel title="Where it runs">
        <WhereItRuns type={type} runtime={runtime} errors={errors} />
      </Panel>
      <FailureNotice failure={error} />
      <Allowed to="agent-types:write">
        <Button type="submit" kind="primary" isBusy={isPending} busyLabel="Saving…">
          {saveWords(type)}
        </Button>
      </Allowed>
    </Form>
  );
}

interface PartProps {
  type: AgentType | null;
  errors: Record<string, string>;
}

function Naming({ type, errors }: PartProps) {
  const [name, setName] = useState(type?.name ?? "");
  return (
    <Form.Fields>
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
      <TextField
        label="Use case"
        name="use_case"
        isOptional
        defaultValue={type?.use_case ?? undefined}
        help="Spending can be told by it."
        error={errors.use_case}
      />
    </Form.Fields>
  );
}

function Models({ type, providers, errors }: PartProps & { providers: Provider[] }) {
  const [id, setId] = useState(type?.provider_id ?? providers[0]?.id);
  const [model, setModel] = useState(type?.model ?? "");
  const provider = providers.find((each) => each.id === id);
  return (
    <Form.Fields>
      <Select
        label="Provider"
        name="provider_id"
        value={id}
        onChange={(event) => setId(event.target.value)}
        error={errors.provider_id}
      >
        {!provider && <option value={id}>A provider that is gone</option>}
        {providers.map((each) => (
          <option key={each.id} value={each.id}>
            {each.name}
          </option>
        ))}
      </Select>
      {provider && (
        <ModelPicker
          key={provider.type}
          provider={provider}
          chosen={model}
          onChoose={setModel}
          error={errors.model}
        />
      )}
      <Fallbacks
        given={type?.fallbacks ?? []}
        providers={providers}
        error={fallbackError(errors)}
      />
    </Form.Fields>
  );
}

/** What the server said of any fallback, by its place in the list. */
function fallbackError(errors: Record<string, string>): string | undefined {
  const told = Object.entries(errors).find(([field]) => field.startsWith("fallbacks"));
  return told?.[1];
}

function Answering({ type, errors }: PartProps) {
  return (
    <Form.Fields>
      <TextArea
        label="Instructions"
        name="system_prompt"
        isOptional
        rows={6}
        defaultValue={type?.system_prompt}
        help="The system prompt of its agents."
        error={errors.system_prompt}
      />
      <Form.Pair>
        <TextField
          label="Temperature"
          name="temperature"
          type="number"
          min={0}
          max={2}
          step={0.1}
          isOptional
          defaultValue={type?.temperature ?? undefined}
          help="From 0 to 2; the model's own if empty."
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
      </Form.Pair>
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
    </Form.Fields>
  );
}

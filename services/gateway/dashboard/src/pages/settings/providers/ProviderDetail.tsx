import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { Allowed } from "~/api/permissions";
import {
  type Provider,
  providerQuery,
  testProvider,
  updateProvider,
} from "~/api/queries/providers";
import { Button } from "~/components/Button";
import { Facts } from "~/components/Facts";
import { FailureNotice } from "~/components/FailureNotice";
import { LoadedPage } from "~/components/LoadedPage";
import { Menu } from "~/components/Menu";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { StatusLine } from "~/components/Status";
import { Time, useNow } from "~/components/Time";
import { absolute } from "~/format/time";
import { LimitsLeft } from "~/pages/budgets/LimitsLeft";
import { BedrockPrerequisites } from "./BedrockPrerequisites";
import { DeleteProvider } from "./DeleteProvider";
import { EditProvider } from "./EditProvider";
import { IamPolicy } from "./IamPolicy";
import { LiveModels } from "./LiveModels";
import { statusOf, TYPE_NAMES, timeLeftTold } from "./model";
import { ReplaceKey } from "./ReplaceKey";
import { RotateProvider } from "./RotateProvider";
import { TestResult } from "./TestResult";
import { UsedBy } from "./UsedBy";

/** One provider: what it is, whether it works, and what can be done with it. */
export function ProviderDetail() {
  const { id } = useParams({ from: "/settings/providers/$id" });
  const query = useQuery(providerQuery(id));
  return (
    <LoadedPage
      query={query}
      what="provider"
      all={{ to: "/settings/providers", name: "All providers" }}
    >
      {(provider) => <Detail provider={provider} />}
    </LoadedPage>
  );
}

function Detail({ provider }: { provider: Provider }) {
  const { act } = useSearch({ from: "/settings/providers/$id" });
  const [isReplacing, setIsReplacing] = useState(act === "replace");
  const [isDeleting, setIsDeleting] = useState(false);
  const [isRotating, setIsRotating] = useState(false);
  const [isEditing, setIsEditing] = useState(false);
  const { mutate, error } = useMutation(updateProvider);
  const test = useMutation(testProvider);
  const failure = error ?? test.error;
  const now = useNow();
  const left = timeLeftTold(provider, now);
  const isInTrouble = provider.status !== "ready" || test.data?.explanation != null;
  return (
    <>
      <PageHeader
        title={provider.name}
        facts={
          <>
            <StatusLine {...statusOf(provider, now)} />
            <span>{TYPE_NAMES[provider.type]}</span>
            {left && <span>Key {left}</span>}
          </>
        }
        action={
          <Allowed to="providers:write">
            <Button
              isBusy={test.isPending}
              busyLabel="Testing provider…"
              onClick={() => test.mutate({ id: provider.id })}
            >
              Test provider
            </Button>
            {provider.status === "ready" ? (
              <Button kind="primary" onClick={() => setIsRotating(true)}>
                Rotate key
              </Button>
            ) : (
              <Button kind="primary" onClick={() => setIsReplacing(true)}>
                {provider.status === "incomplete" ? "Add key" : "Replace key"}
              </Button>
            )}
            <Menu
              label={`More for ${provider.name}`}
              items={[
                { name: "Edit provider", onSelect: () => setIsEditing(true) },
                { name: "Replace key at once", onSelect: () => setIsReplacing(true) },
                {
                  name: provider.enabled ? "Disable provider" : "Enable provider",
                  onSelect: () =>
                    mutate({ id: provider.id, patch: { enabled: !provider.enabled } }),
                },
                { name: "Delete provider", onSelect: () => setIsDeleting(true) },
              ]}
            />
          </Allowed>
        }
      />
      <FailureNotice failure={failure} />
      {test.data && <TestResult result={test.data} />}
      {provider.type === "bedrock" && isInTrouble && <BedrockPrerequisites />}
      <Panel title="Configuration">
        <Facts facts={factsOf(provider)} />
      </Panel>
      <LimitsLeft ofId={provider.id} />
      <UsedBy providerId={provider.id} />
      {provider.type === "bedrock" && <IamPolicy id={provider.id} />}
      {provider.status === "ready" && <LiveModels id={provider.id} />}
      {isRotating && <RotateProvider provider={provider} onClose={() => setIsRotating(false)} />}
      {isEditing && <EditProvider provider={provider} onClose={() => setIsEditing(false)} />}
      <ReplaceKey provider={provider} isOpen={isReplacing} onClose={() => setIsReplacing(false)} />
      <DeleteProvider
        provider={provider}
        isOpen={isDeleting}
        onClose={() => setIsDeleting(false)}
      />
    </>
  );
}

function factsOf(provider: Provider): [string, React.ReactNode][] {
  const { credential, limits } = provider;
  return [
    ["Base URL", code(provider.base_url, "Not set")],
    ...(provider.type === "bedrock" ? bedrockFacts(provider) : []),
    ["Key", code(credential.hint, credential.fields.length ? "Set" : "None")],
    ["Key version", credential.version],
    ...(credential.expires_at
      ? ([["Key ends", absolute(credential.expires_at)]] as [string, React.ReactNode][])
      : []),
    ["Use case", provider.use_case ?? "None"],
    ["Requests a minute", limits.requests_per_minute ?? "No limit"],
    ["Tokens a minute", limits.tokens_per_minute ?? "No limit"],
    ["Concurrent calls", limits.concurrent ?? "No limit"],
    ["Changed", moment(provider.updated_at)],
  ];
}

function bedrockFacts(provider: Provider): [string, React.ReactNode][] {
  return [
    ["Region", provider.aws_region ?? "Not set"],
    ["Role", code(provider.aws_role_arn)],
    ["External id", code(provider.aws_external_id)],
  ];
}

function code(text: string | null, absent = "None") {
  return text === null ? absent : <code>{text}</code>;
}

function moment(at: string) {
  return <Time at={at} />;
}

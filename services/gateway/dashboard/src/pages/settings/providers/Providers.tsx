import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Allowed } from "~/api/permissions";
import { type Provider, providersQuery } from "~/api/queries/providers";
import { ButtonLink } from "~/components/ButtonLink";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { Time, useNow } from "~/components/Time";
import { SettingsTabs } from "../SettingsTabs";
import { statusOf, TYPE_NAMES } from "./model";

/** Which credentials work, and how long they last. */
export function Providers() {
  const query = useInfiniteQuery(providersQuery());
  const add = (
    <Allowed to="providers:write">
      <ButtonLink kind="primary" to="/settings/providers/new">
        Add provider
      </ButtonLink>
    </Allowed>
  );
  return (
    <>
      <PageHeader title="Providers" action={add} />
      <SettingsTabs />
      <Panel isFlush>
        <PagedList
          query={query}
          what="providers"
          label="Providers"
          columns={COLUMNS}
          keyOf={(provider) => provider.id}
          empty={
            <EmptyState title="No provider yet" action={add}>
              A provider is a key of OpenAI, Anthropic or AWS Bedrock. It is encrypted, and agents
              call models through it without ever holding it for longer than they run.
            </EmptyState>
          }
        />
      </Panel>
    </>
  );
}

const COLUMNS: Column<Provider>[] = [
  {
    name: "Name",
    render: ({ id, name }) => (
      <Link to="/settings/providers/$id" params={{ id }}>
        {name}
      </Link>
    ),
  },
  { name: "Type", render: ({ type }) => TYPE_NAMES[type], isMinor: true },
  { name: "Status", render: (provider) => <ProviderStatus provider={provider} /> },
  { name: "Key", render: (provider) => <KeyHint provider={provider} />, isMinor: true },
  { name: "Changed", render: ({ updated_at }) => <Time at={updated_at} />, isMinor: true },
];

function ProviderStatus({ provider }: { provider: Provider }) {
  return <Status {...statusOf(provider, useNow())} />;
}

function KeyHint({ provider: { credential } }: { provider: Provider }) {
  if (credential.fields.length === 0) return "–";
  return (
    <span className="whole">
      {credential.hint === null ? "Set" : <code>{credential.hint}</code>} v{credential.version}
    </span>
  );
}

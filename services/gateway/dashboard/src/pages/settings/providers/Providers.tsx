import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Provider, providersQuery } from "~/api/queries/providers";
import { ButtonLink } from "~/components/ButtonLink";
import { DataList } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { Loaded } from "~/components/Loaded";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { Time, useNow } from "~/components/Time";
import { statusOf, TYPE_NAMES } from "./model";

/** Which credentials work, who uses them, and how long they last. */
export function Providers() {
  const query = useInfiniteQuery(providersQuery());
  const add = (
    <ButtonLink kind="primary" to="/settings/providers/new">
      Add provider
    </ButtonLink>
  );
  return (
    <>
      <PageHeader title="Providers" action={add} />
      <Panel isFlush>
        <Loaded query={query} what="providers">
          {({ pages }) => {
            const providers = pages.flatMap((page) => page.data);
            return providers.length === 0 ? (
              <EmptyState title="No provider yet" action={add}>
                A provider is a key of OpenAI, Anthropic or AWS Bedrock. It is encrypted, and agents
                call models through it without ever holding it for longer than they run.
              </EmptyState>
            ) : (
              <ProviderList
                providers={providers}
                more={query.hasNextPage ? () => query.fetchNextPage() : undefined}
                isLoadingMore={query.isFetchingNextPage}
              />
            );
          }}
        </Loaded>
      </Panel>
    </>
  );
}

interface ProviderListProps {
  providers: Provider[];
  more: (() => void) | undefined;
  isLoadingMore: boolean;
}

function ProviderList({ providers, more, isLoadingMore }: ProviderListProps) {
  const now = useNow();
  return (
    <DataList
      label="Providers"
      rows={providers}
      keyOf={(provider) => provider.id}
      more={more}
      isLoadingMore={isLoadingMore}
      columns={[
        {
          name: "Name",
          render: ({ id, name }) => (
            <Link to="/settings/providers/$id" params={{ id }}>
              {name}
            </Link>
          ),
        },
        { name: "Type", render: ({ type }) => TYPE_NAMES[type], isMinor: true },
        { name: "Status", render: (provider) => <Status {...statusOf(provider, now)} /> },
        {
          name: "Key",
          render: ({ credential }) =>
            credential.hint ? (
              <>
                <code>{credential.hint}</code> v{credential.version}
              </>
            ) : (
              "–"
            ),
          isMinor: true,
        },
        { name: "Changed", render: ({ updated_at }) => <Time at={updated_at} />, isMinor: true },
      ]}
    />
  );
}

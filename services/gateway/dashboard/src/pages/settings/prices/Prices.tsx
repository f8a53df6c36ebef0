import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useMay } from "~/api/permissions";
import { type Price, pricesQuery, removePrice } from "~/api/queries/prices";
import { Below } from "~/components/Below";
import { Button } from "~/components/Button";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { FailureNotice } from "~/components/FailureNotice";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Time } from "~/components/Time";
import { pricePerMillion } from "~/format/money";
import { TYPE_NAMES } from "../providers/model";
import { SettingsTabs } from "../SettingsTabs";
import { Reprice } from "./Reprice";
import { SetPrice } from "./SetPrice";
import { Unpriced, useIsUnpricedPending } from "./Unpriced";

/** What costs are reckoned with: the price book, and what the organization sets itself. */
export function Prices() {
  const query = useInfiniteQuery(pricesQuery());
  const [model, setModel] = useState<string | null>(null);
  const isHeld = useIsUnpricedPending();
  const isAllowed = useMay("prices:write");
  const set = isAllowed && (
    <Button kind="primary" onClick={() => setModel("")}>
      Set price
    </Button>
  );
  const book = query.data?.pages[0]?.book_version;
  return (
    <>
      <PageHeader
        title="Prices"
        facts={`Price book ${book ?? "…"}; the prices below come before it.`}
        action={set}
      />
      <SettingsTabs />
      <Unpriced onSetPrice={isAllowed ? setModel : undefined} />
      <Below isHeld={isHeld}>
        <Panel title="Own prices" note="dollars per 1 M tokens" isFlush>
          <PagedList
            query={query}
            what="prices"
            label="Own prices"
            columns={isAllowed ? [...COLUMNS, REMOVE] : COLUMNS}
            keyOf={(price) => price.id}
            empty={
              <EmptyState title="No price of your own">
                The price book knows the providers' list prices. Set a price for a contract of
                yours, or for a model that the book does not know.
              </EmptyState>
            }
          />
        </Panel>
        {isAllowed && <Reprice />}
      </Below>
      {model !== null && <SetPrice model={model} onClose={() => setModel(null)} />}
    </>
  );
}

const COLUMNS: Column<Price>[] = [
  { name: "Model", render: ({ model }) => <code>{model}</code> },
  {
    name: "Provider type",
    render: ({ provider_type }) => TYPE_NAMES[provider_type],
    isMinor: true,
  },
  {
    name: "Input",
    render: ({ usd_per_million_tokens }) => pricePerMillion(usd_per_million_tokens.input),
    isNumber: true,
  },
  {
    name: "From cache",
    render: ({ usd_per_million_tokens: { cached_input } }) =>
      cached_input === null ? "as input" : pricePerMillion(cached_input),
    isNumber: true,
    isMinor: true,
  },
  {
    name: "Output",
    render: ({ usd_per_million_tokens }) => pricePerMillion(usd_per_million_tokens.output),
    isNumber: true,
  },
  {
    name: "Since",
    render: ({ effective_from }) => <Time at={effective_from} />,
    isNumber: true,
    isMinor: true,
  },
];

const REMOVE: Column<Price> = {
  name: "Act",
  isUnnamed: true,
  isNumber: true,
  render: (price) => <Remove price={price} />,
};

function Remove({ price }: { price: Price }) {
  const [isAsking, setIsAsking] = useState(false);
  const { mutate, error, isPending } = useMutation(removePrice);
  return (
    <>
      <Button onClick={() => setIsAsking(true)}>Remove</Button>
      <ConfirmDialog
        title={`Remove the price of ${price.model}?`}
        isOpen={isAsking}
        onClose={() => setIsAsking(false)}
        act="Remove price"
        busyAct="Removing price…"
        isBusy={isPending}
        onConfirm={() => mutate(price.id, { onSuccess: () => setIsAsking(false) })}
      >
        <p>Calls from now on are priced by the price book. Those counted keep their cost.</p>
        <FailureNotice failure={error} />
      </ConfirmDialog>
    </>
  );
}

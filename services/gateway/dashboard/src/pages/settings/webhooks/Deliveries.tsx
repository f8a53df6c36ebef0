import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import {
  type Delivery,
  type DeliveryAttempt,
  type DeliveryStatus,
  deliveriesQuery,
} from "~/api/queries/webhooks";
import { ButtonLink } from "~/components/ButtonLink";
import { Chip, Chips } from "~/components/Chips";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { PagedList } from "~/components/PagedList";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { Time } from "~/components/Time";
import { counted } from "~/format/count";
import { attemptTold, deliveryTold } from "./model";

const STATUSES: DeliveryStatus[] = ["pending", "delivered", "failed"];

/** What one webhook was told, and what came of each attempt. */
export function Deliveries({ webhookId }: { webhookId: string }) {
  const { status } = useSearch({ from: "/settings/webhooks/$id" });
  const query = useInfiniteQuery(deliveriesQuery(webhookId, status));
  const page = { to: "/settings/webhooks/$id", params: { id: webhookId } } as const;
  return (
    <>
      <Chips label="Status">
        <Chip {...page} search={{}} isChosen={status === undefined}>
          All
        </Chip>
        {STATUSES.map((each) => (
          <Chip key={each} {...page} search={{ status: each }} isChosen={status === each}>
            {deliveryTold({ status: each }).word}
          </Chip>
        ))}
      </Chips>
      <Panel title="Deliveries" note="what failed is kept for 30 days" isFlush>
        <PagedList
          query={query}
          what="deliveries"
          label="Deliveries"
          columns={COLUMNS}
          keyOf={(delivery) => delivery.id}
          empty={<NoDelivery webhookId={webhookId} status={status} />}
        />
      </Panel>
    </>
  );
}

interface NoDeliveryProps {
  webhookId: string;
  status: DeliveryStatus | undefined;
}

function NoDelivery({ webhookId, status }: NoDeliveryProps) {
  if (status) {
    return (
      <EmptyState
        title={`No delivery is ${deliveryTold({ status }).word.toLowerCase()}`}
        action={
          <ButtonLink to="/settings/webhooks/$id" params={{ id: webhookId }} search={{}}>
            Show all deliveries
          </ButtonLink>
        }
      />
    );
  }
  return (
    <EmptyState title="Nothing delivered yet">
      Whatever happens from now on, of the events it asks for, appears here. A test shows whether
      the receiver answers.
    </EmptyState>
  );
}

const COLUMNS: Column<Delivery>[] = [
  { name: "Status", render: (delivery) => <Status {...deliveryTold(delivery)} /> },
  { name: "Event", render: ({ event }) => <code>{event}</code> },
  { name: "Attempts", render: ({ attempts }) => <Attempts attempts={attempts} /> },
  {
    name: "Next attempt",
    render: ({ next_attempt_at }) => (next_attempt_at ? <Time at={next_attempt_at} /> : "–"),
    isMinor: true,
  },
  { name: "Since", render: ({ created_at }) => <Time at={created_at} />, isMinor: true },
];

/** The last attempt, and those before it for whoever asks. */
function Attempts({ attempts }: { attempts: DeliveryAttempt[] }) {
  const [last, ...earlier] = attempts.toReversed();
  if (last === undefined) return "None yet";
  return (
    <>
      <Attempt attempt={last} />
      {earlier.length > 0 && (
        <details>
          <summary>{counted(earlier.length, "earlier attempt")}</summary>
          <ol>
            {earlier.map((attempt) => (
              <li key={attempt.at}>
                <Attempt attempt={attempt} />
              </li>
            ))}
          </ol>
        </details>
      )}
    </>
  );
}

function Attempt({ attempt }: { attempt: DeliveryAttempt }) {
  return (
    <>
      <Time at={attempt.at} />: {attemptTold(attempt)}
    </>
  );
}

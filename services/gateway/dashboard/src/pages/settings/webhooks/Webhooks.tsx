import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Allowed } from "~/api/permissions";
import { type Webhook, webhooksQuery } from "~/api/queries/webhooks";
import { Button } from "~/components/Button";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { count } from "~/format/count";
import { SettingsTabs } from "../SettingsTabs";
import { webhookTold } from "./model";
import { NewWebhook } from "./NewWebhook";

/** Which servers are told of what happens, and whether they are. */
export function Webhooks() {
  const query = useInfiniteQuery(webhooksQuery());
  const [isMaking, setIsMaking] = useState(false);
  const make = (
    <Allowed to="webhooks:write">
      <Button kind="primary" onClick={() => setIsMaking(true)}>
        New webhook
      </Button>
    </Allowed>
  );
  return (
    <>
      <PageHeader title="Webhooks" action={make} />
      <SettingsTabs />
      <Panel isFlush>
        <PagedList
          query={query}
          what="webhooks"
          label="Webhooks"
          columns={COLUMNS}
          keyOf={(webhook) => webhook.id}
          empty={
            <EmptyState title="No webhook yet" action={make}>
              A webhook is a server of yours that is told of what happens: an alert that opened, a
              credential that is about to expire. It is never told what a message says.
            </EmptyState>
          }
        />
      </Panel>
      {isMaking && <NewWebhook onClose={() => setIsMaking(false)} />}
    </>
  );
}

const COLUMNS: Column<Webhook>[] = [
  {
    name: "Name",
    render: ({ id, name }) => (
      <Link to="/settings/webhooks/$id" params={{ id }}>
        {name}
      </Link>
    ),
  },
  { name: "Status", render: (webhook) => <Status {...webhookTold(webhook)} /> },
  { name: "Leads to", render: ({ origin }) => <code>{origin}</code>, isMinor: true },
  { name: "Events", render: ({ events }) => events.join(", "), isMinor: true },
  { name: "Waiting", render: ({ waiting }) => count(waiting), isNumber: true },
];

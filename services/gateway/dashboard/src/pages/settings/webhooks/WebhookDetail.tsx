import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { Allowed } from "~/api/permissions";
import {
  type Delivery,
  replayFailed,
  testWebhook,
  updateWebhook,
  type Webhook,
  webhookQuery,
} from "~/api/queries/webhooks";
import { Button } from "~/components/Button";
import { Facts } from "~/components/Facts";
import { FailureNotice } from "~/components/FailureNotice";
import { LoadedPage } from "~/components/LoadedPage";
import { Menu } from "~/components/Menu";
import { Notice } from "~/components/Notice";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { StatusLine } from "~/components/Status";
import { Time } from "~/components/Time";
import { count, counted } from "~/format/count";
import { ChangeWebhook } from "./ChangeWebhook";
import { DeleteWebhook } from "./DeleteWebhook";
import { Deliveries } from "./Deliveries";
import { attemptTold, webhookTold } from "./model";

const KEPT_MS = 30 * 86_400_000;

/** One webhook: what it is told of, whether it is, and what can be done about it. */
export function WebhookDetail() {
  const { id } = useParams({ from: "/settings/webhooks/$id" });
  const query = useQuery(webhookQuery(id));
  return (
    <LoadedPage
      query={query}
      what="webhook"
      all={{ to: "/settings/webhooks", name: "All webhooks" }}
    >
      {(webhook) => <Detail webhook={webhook} />}
    </LoadedPage>
  );
}

function Detail({ webhook }: { webhook: Webhook }) {
  const { id, name, enabled } = webhook;
  const [isChanging, setIsChanging] = useState(false);
  const [isDeleting, setIsDeleting] = useState(false);
  const turn = useMutation(updateWebhook);
  const test = useMutation(testWebhook);
  const replay = useMutation(replayFailed);
  const failure = turn.error ?? test.error ?? replay.error;
  return (
    <>
      <PageHeader
        title={name}
        facts={<StatusLine {...webhookTold(webhook)} />}
        action={
          <Allowed to="webhooks:write">
            {!enabled && (
              <Button
                kind="primary"
                isBusy={turn.isPending}
                busyLabel="Enabling webhook…"
                onClick={() => turn.mutate({ id, patch: { enabled: true } })}
              >
                Enable webhook
              </Button>
            )}
            <Button
              isBusy={test.isPending}
              busyLabel="Sending test…"
              onClick={() => test.mutate(id)}
            >
              Send test
            </Button>
            <Button
              isBusy={replay.isPending}
              busyLabel="Replaying…"
              onClick={() => replay.mutate({ id, since: whatIsKept() })}
            >
              Replay failed
            </Button>
            <Menu
              label={`More for ${name}`}
              items={[
                { name: "Change webhook", onSelect: () => setIsChanging(true) },
                {
                  name: "Disable webhook",
                  onSelect: () => turn.mutate({ id, patch: { enabled: false } }),
                  reason: enabled ? undefined : "It is disabled already.",
                },
                { name: "Delete webhook", onSelect: () => setIsDeleting(true) },
              ]}
            />
          </Allowed>
        }
      />
      <FailureNotice failure={failure} />
      {test.data && <TestOutcome delivery={test.data} />}
      {replay.data && <ReplayOutcome replayed={replay.data.replayed} />}
      <Panel title="Configuration">
        <Facts
          facts={[
            ["Leads to", <code key="origin">{webhook.origin}</code>],
            ["Events", webhook.events.join(", ")],
            ["Waiting deliveries", count(webhook.waiting)],
            ["Changed", <Time key="changed" at={webhook.updated_at} />],
          ]}
        />
      </Panel>
      <Deliveries webhookId={id} />
      {isChanging && <ChangeWebhook webhook={webhook} onClose={() => setIsChanging(false)} />}
      <DeleteWebhook webhook={webhook} isOpen={isDeleting} onClose={() => setIsDeleting(false)} />
    </>
  );
}

function TestOutcome({ delivery: { status, attempts } }: { delivery: Delivery }) {
  const isDelivered = status === "delivered";
  const attempt = attempts.at(-1);
  return (
    <Notice
      tone={isDelivered ? "ok" : "bad"}
      title={isDelivered ? "The test was delivered" : "The test was not delivered"}
    >
      {attempt && <p>{attemptTold(attempt)}</p>}
    </Notice>
  );
}

function ReplayOutcome({ replayed }: { replayed: number }) {
  return (
    <Notice tone="info">
      <p>
        {replayed === 0
          ? "No delivery has failed: there is nothing to send again."
          : `Under way again: ${counted(replayed, "delivery", "deliveries")}.`}
      </p>
    </Notice>
  );
}

/** The moment from which on failed deliveries are still there. */
function whatIsKept(): string {
  return new Date(Date.now() - KEPT_MS).toISOString();
}

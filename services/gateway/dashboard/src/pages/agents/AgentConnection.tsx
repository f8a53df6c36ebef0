import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { agentQuery, replaceToken, revokeToken } from "~/api/queries/agents";
import { Button } from "~/components/Button";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { FailureNotice } from "~/components/FailureNotice";
import { Notice } from "~/components/Notice";
import { Panel } from "~/components/Panel";
import { FirstCall, Recipes, ShownToken } from "./Connection";
import styles from "./Connection.module.css";

const STAND_IN = "$TOKEN";

/** How an external agent calls, and its token: replaced or revoked, never shown again. */
export function AgentConnection() {
  const { id } = useParams({ from: "/agents/$id" });
  const agent = useQuery(agentQuery(id)).data;
  const replace = useMutation(replaceToken);
  if (!agent?.base_urls) return null;
  const token = replace.data?.agent_token;
  return (
    <>
      <Panel title="Calls" action={<Token id={id} replace={replace} />}>
        <div className={styles.part}>
          <FailureNotice failure={replace.error} />
          {token && <ShownToken token={token} />}
          <FirstCall agentId={id} />
        </div>
      </Panel>
      <Panel title="How to call" note={token ? undefined : `${STAND_IN} stands for its token`}>
        <Recipes
          agentTypeId={agent.agent_type_id}
          baseUrls={agent.base_urls}
          token={token ?? STAND_IN}
        />
      </Panel>
    </>
  );
}

interface TokenProps {
  id: string;
  replace: { mutate: (id: string) => void; isPending: boolean };
}

function Token({ id, replace }: TokenProps) {
  const [asks, setAsks] = useState<"replace" | "revoke" | null>(null);
  const revoke = useMutation(revokeToken);
  const close = () => setAsks(null);
  return (
    <>
      <Button onClick={() => setAsks("replace")}>Replace token</Button>{" "}
      <Button onClick={() => setAsks("revoke")}>Revoke token</Button>
      <ConfirmDialog
        title="Replace the token?"
        isOpen={asks === "replace"}
        onClose={close}
        act="Replace token"
        busyAct="Replacing token…"
        isBusy={replace.isPending}
        onConfirm={() => {
          replace.mutate(id);
          close();
        }}
      >
        <p>The present token is refused within a second. The new one is shown once.</p>
      </ConfirmDialog>
      <ConfirmDialog
        title="Revoke the token?"
        isOpen={asks === "revoke"}
        onClose={close}
        act="Revoke token"
        busyAct="Revoking token…"
        isBusy={revoke.isPending}
        onConfirm={() => revoke.mutate(id, { onSuccess: close })}
      >
        <p>Whatever uses it is refused within a second, until the agent is given another.</p>
        <FailureNotice failure={revoke.error} />
      </ConfirmDialog>
      {revoke.isSuccess && (
        <Notice tone="ok">
          <p>The token is revoked.</p>
        </Notice>
      )}
    </>
  );
}

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, LoaderCircle } from "lucide-react";
import type { BaseUrls } from "~/api/queries/agents";
import { agentTypeQuery } from "~/api/queries/agentTypes";
import { firstCallQuery } from "~/api/queries/calls";
import { providerQuery } from "~/api/queries/providers";
import { CopyText } from "~/components/CopyText";
import { Loaded } from "~/components/Loaded";
import { Notice } from "~/components/Notice";
import { Snippets } from "~/components/Snippets";
import styles from "./Connection.module.css";
import { snippetsFor } from "./snippets";

/** A token that is shown now and never again. */
export function ShownToken({ token }: { token: string }) {
  return (
    <div className={styles.token}>
      <Notice tone="warning">
        <p>The token is shown only now. Keep it where secrets are kept; replace it at any time.</p>
      </Notice>
      <CopyText label="the agent's token" text={token} />
    </div>
  );
}

interface RecipesProps {
  agentTypeId: string;
  baseUrls: BaseUrls;
  token: string;
}

/** How programs are pointed at the proxy, filled in with this agent's own addresses. */
export function Recipes({ agentTypeId, baseUrls, token }: RecipesProps) {
  const type = useQuery(agentTypeQuery(agentTypeId));
  const provider = useQuery({
    ...providerQuery(type.data?.provider_id ?? ""),
    enabled: type.data !== undefined,
  });
  return (
    <Loaded query={provider} what="connection">
      {({ type: providerType }) => (
        <Snippets
          label="How to call"
          snippets={snippetsFor({ baseUrls, token, providerType, model: type.data?.model ?? "" })}
        />
      )}
    </Loaded>
  );
}

/** Waits for an agent's first call, and leads to it once it is there. */
export function FirstCall({ agentId }: { agentId: string }) {
  const call = useQuery(firstCallQuery(agentId)).data?.data[0];
  return (
    <p className={styles.first} role="status">
      {call ? (
        <>
          <CircleCheck size={18} aria-hidden="true" className={styles.came} />
          <span>
            It has called:{" "}
            <Link to="/calls/$id" params={{ id: call.call_id }}>
              show the call
            </Link>
          </span>
        </>
      ) : (
        <>
          <LoaderCircle size={18} aria-hidden="true" className={styles.waiting} />
          Waiting for its first call…
        </>
      )}
    </p>
  );
}

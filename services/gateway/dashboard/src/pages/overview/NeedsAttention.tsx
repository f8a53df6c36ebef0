import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BellRing, CircleCheck } from "lucide-react";
import type { ReactNode } from "react";
import type { Agent } from "~/api/queries/agents";
import { alertsQuery } from "~/api/queries/alerts";
import type { Provider } from "~/api/queries/providers";
import { ButtonLink } from "~/components/ButtonLink";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { useNow } from "~/components/Time";
import { counted } from "~/format/count";
import { statusOf as agentStatus } from "~/pages/agents/model";
import { isSilenced } from "~/pages/alerts/model";
import { statusOf as providerStatus } from "~/pages/settings/providers/model";
import { troubled } from "./model";
import styles from "./Overview.module.css";

interface NeedsAttentionProps {
  providers: Provider[];
  agents: Agent[];
}

const SHOWN = 6;

/** What somebody must look after, the providers first: agents fail because of them. */
export function NeedsAttention({ providers, agents }: NeedsAttentionProps) {
  const now = useNow();
  const trouble = troubled(providers, agents, now);
  const number = trouble.providers.length + trouble.agents.length;
  if (number === 0) return <AllWell now={now} />;
  return (
    <Panel title="Needs attention" note={`${number}`} isFlush>
      <ul className={styles.trouble}>
        {trouble.providers.map((provider, at) => (
          <Item
            key={provider.id}
            status={providerStatus(provider, now)}
            name={
              <Link to="/settings/providers/$id" params={{ id: provider.id }}>
                {provider.name}
              </Link>
            }
            act={
              <ButtonLink
                kind={at === 0 ? "primary" : "plain"}
                to="/settings/providers/$id"
                params={{ id: provider.id }}
                search={provider.enabled ? { act: "replace" } : {}}
              >
                {provider.status === "incomplete" ? "Add key" : "Replace key"}
              </ButtonLink>
            }
          />
        ))}
        {trouble.agents.slice(0, SHOWN).map((agent) => (
          <Item
            key={agent.id}
            status={agentStatus(agent)}
            name={
              <Link to="/agents/$id" params={{ id: agent.id }}>
                {agent.name}
              </Link>
            }
            act={
              <ButtonLink to="/agents/$id" params={{ id: agent.id }}>
                Open agent
              </ButtonLink>
            }
          />
        ))}
        {trouble.agents.length > SHOWN && (
          <li className={styles.rest}>
            <Link to="/agents">{trouble.agents.length - SHOWN} agents more</Link>
          </li>
        )}
      </ul>
    </Panel>
  );
}

/** Says that nothing needs anybody only where no alert is open either. */
function AllWell({ now }: { now: number }) {
  const { data } = useInfiniteQuery(alertsQuery("open"));
  const open = data?.pages.flatMap((page) => page.data).filter((each) => !isSilenced(each, now));
  if (open === undefined) return <p className={styles.well}>Providers and agents are well.</p>;
  if (open.length === 0) {
    return (
      <p className={styles.well}>
        <CircleCheck size={18} aria-hidden="true" /> Nothing needs you: providers and agents are
        well.
      </p>
    );
  }
  return (
    <p className={styles.watched}>
      <BellRing size={18} aria-hidden="true" />
      <span>
        Providers and agents are well;{" "}
        <Link to="/alerts" search={{ status: "open" }}>
          {counted(open.length, "alert")} {open.length === 1 ? "is" : "are"} open
        </Link>
        .
      </span>
    </p>
  );
}

interface ItemProps {
  status: ReturnType<typeof agentStatus>;
  name: ReactNode;
  act: ReactNode;
}

function Item({ status: { tone, word, reason }, name, act }: ItemProps) {
  return (
    <li className={styles.item}>
      <Status tone={tone} word={word} />
      <div className={styles.words}>
        <strong>{name}</strong>
        {reason && <p className={styles.why}>{reason}</p>}
      </div>
      {act}
    </li>
  );
}

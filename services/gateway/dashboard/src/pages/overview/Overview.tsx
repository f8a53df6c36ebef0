import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Agent, agentsQuery } from "~/api/queries/agents";
import { agentTypesQuery } from "~/api/queries/agentTypes";
import { type Provider, providersQuery } from "~/api/queries/providers";
import { EmptyState } from "~/components/EmptyState";
import { Loaded } from "~/components/Loaded";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { Tiles } from "~/components/Tiles";
import { useNow } from "~/components/Time";
import { statusOf as agentStatus, countsByStatus, STATUS_WORDS } from "~/pages/agents/model";
import { statusOf as providerStatus } from "~/pages/settings/providers/model";
import { FirstSteps } from "./FirstSteps";
import { stepsOf, troubled } from "./model";
import styles from "./Overview.module.css";

/** Is everything all right, and if not, what first? */
export function Overview() {
  const providers = useInfiniteQuery(providersQuery());
  const types = useInfiniteQuery(agentTypesQuery());
  const agents = useInfiniteQuery(agentsQuery());
  return (
    <>
      <PageHeader title="Overview" />
      <Loaded query={providers} what="providers">
        {(provided) => (
          <Loaded query={agents} what="agents">
            {(running) => (
              <Told
                providers={provided.pages.flatMap((page) => page.data)}
                agents={running.pages.flatMap((page) => page.data)}
                hasTypes={(types.data?.pages[0]?.data.length ?? 0) > 0}
              />
            )}
          </Loaded>
        )}
      </Loaded>
    </>
  );
}

interface ToldProps {
  providers: Provider[];
  agents: Agent[];
  hasTypes: boolean;
}

function Told({ providers, agents, hasTypes }: ToldProps) {
  const steps = stepsOf({ providers, hasTypes, agents });
  if (steps.some((step) => !step.isDone)) return <FirstSteps steps={steps} />;
  return (
    <>
      <NeedsAttention providers={providers} agents={agents} />
      <Panel title="Agents">
        <Tiles
          tiles={countsByStatus(agents)
            .filter(([, number]) => number > 0)
            .map(([status, number]) => ({ name: STATUS_WORDS[status], figure: number }))}
        />
      </Panel>
    </>
  );
}

function NeedsAttention({ providers, agents }: Omit<ToldProps, "hasTypes">) {
  const now = useNow();
  const trouble = troubled(providers, agents, now);
  const number = trouble.providers.length + trouble.agents.length;
  return (
    <Panel title="Needs attention" note={number > 0 ? `${number}` : undefined}>
      {number === 0 ? (
        <EmptyState title="Nothing needs you" />
      ) : (
        <ul className={styles.trouble}>
          {trouble.providers.map((provider) => (
            <li key={provider.id} className={styles.item}>
              <Status {...providerStatus(provider, now)} />
              <Link to="/settings/providers/$id" params={{ id: provider.id }}>
                {provider.name}
              </Link>
            </li>
          ))}
          {trouble.agents.map((agent) => (
            <li key={agent.id} className={styles.item}>
              <Status {...agentStatus(agent)} />
              <Link to="/agents/$id" params={{ id: agent.id }}>
                {agent.name}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

import { useInfiniteQuery } from "@tanstack/react-query";
import { type Agent, agentsQuery } from "~/api/queries/agents";
import { agentTypesQuery } from "~/api/queries/agentTypes";
import { type Provider, providersQuery } from "~/api/queries/providers";
import { Chip, Chips } from "~/components/Chips";
import { Loaded } from "~/components/Loaded";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { StatusShape } from "~/components/Status";
import { count } from "~/format/count";
import { countsByStatus, STATUS_WORDS, TONES } from "~/pages/agents/model";
import { FirstSteps } from "./FirstSteps";
import { LatestFailures } from "./LatestFailures";
import { stepsOf } from "./model";
import { NeedsAttention } from "./NeedsAttention";
import { OpenAlerts } from "./OpenAlerts";
import styles from "./Overview.module.css";
import { Today } from "./Today";

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
              <Loaded query={types} what="agent types">
                {({ pages }) => (
                  <Told
                    providers={provided.pages.flatMap((page) => page.data)}
                    agents={running.pages.flatMap((page) => page.data)}
                    hasTypes={pages.some((page) => page.data.length > 0)}
                  />
                )}
              </Loaded>
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
      <Today>
        <Agents agents={agents} />
        <div className={styles.halves}>
          <OpenAlerts />
          <LatestFailures />
        </div>
      </Today>
    </>
  );
}

function Agents({ agents }: { agents: Agent[] }) {
  return (
    <Panel title="Agents">
      <Chips label="Agents by status">
        {countsByStatus(agents)
          .filter(([, number]) => number > 0)
          .map(([status, number]) => (
            <Chip key={status} to="/agents" search={{ status }}>
              <StatusShape tone={TONES[status]} />
              {STATUS_WORDS[status]} <strong>{count(number)}</strong>
            </Chip>
          ))}
      </Chips>
    </Panel>
  );
}

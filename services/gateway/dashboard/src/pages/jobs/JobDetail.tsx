import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type Job, type JobStep, jobQuery } from "~/api/queries/jobs";
import { useAgentTypeNames, useProviderNames } from "~/api/queries/names";
import { type Column, DataList } from "~/components/DataList";
import { ExplanationNotice } from "~/components/ExplanationNotice";
import { LoadedPage } from "~/components/LoadedPage";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { Time } from "~/components/Time";
import styles from "./JobDetail.module.css";
import { agentsTold, jobTold, jobWords, stepTold, stepWords } from "./model";

/** One job: each of its steps, as they are done. */
export function JobDetail() {
  const { id } = useParams({ from: "/system/jobs/$id" });
  const query = useQuery(jobQuery(id));
  return (
    <LoadedPage query={query} what="job" lines={6} all={{ to: "/system", name: "All jobs" }}>
      {(job) => <Detail job={job} />}
    </LoadedPage>
  );
}

function Detail({ job }: { job: Job }) {
  return (
    <>
      <PageHeader
        title={jobWords(job)}
        facts={
          <>
            <Status {...jobTold(job)} />
            <Subject job={job} />
            <span>
              begun <Time at={job.started_at} />
            </span>
          </>
        }
      />
      {job.explanation && <ExplanationNotice explanation={job.explanation} />}
      <Panel title="Steps">
        <ol className={styles.steps} aria-live="polite">
          {job.steps.map((step) => (
            <Step key={step.name} step={step} job={job} />
          ))}
        </ol>
      </Panel>
      {job.agents && job.agents.length > 0 && (
        <Panel title="Agents" note={agentsTold(job)} isFlush>
          <DataList label="Agents" columns={AGENTS} rows={job.agents} keyOf={(agent) => agent.id} />
        </Panel>
      )}
    </>
  );
}

function Subject({ job: { provider_id, to_provider_id, agent_type_id } }: { job: Job }) {
  const providerName = useProviderNames(provider_id !== null);
  const typeName = useAgentTypeNames(agent_type_id !== null);
  if (provider_id) {
    return (
      <span>
        <Link to="/settings/providers/$id" params={{ id: provider_id }}>
          {providerName(provider_id)}
        </Link>
        {to_provider_id && (
          <>
            {" to "}
            <Link to="/settings/providers/$id" params={{ id: to_provider_id }}>
              {providerName(to_provider_id)}
            </Link>
          </>
        )}
      </span>
    );
  }
  if (!agent_type_id) return null;
  return (
    <Link to="/agent-types/$id" params={{ id: agent_type_id }}>
      {typeName(agent_type_id)}
    </Link>
  );
}

function Step({ step, job }: { step: JobStep; job: Job }) {
  const isRestarting = step.name === "restart" || step.name === "restart_back";
  return (
    <li className={styles.step}>
      <Status {...stepTold(step)} />
      <div>
        <p>{stepWords(step)}</p>
        {isRestarting && <p className={styles.note}>{agentsTold(job)}</p>}
        {step.explanation && <p className={styles.note}>{step.explanation.message}</p>}
      </div>
    </li>
  );
}

const PROGRESS: Record<NonNullable<Job["agents"]>[number]["progress"], string> = {
  waiting: "Waits",
  restarting: "Restarting",
  restarted: "Restarted",
  left_alone: "Stopped meanwhile",
  skipped: "Skipped",
};

const AGENTS: Column<NonNullable<Job["agents"]>[number]>[] = [
  {
    name: "Agent",
    render: ({ id, name }) => (
      <Link to="/agents/$id" params={{ id }}>
        {name}
      </Link>
    ),
  },
  { name: "Progress", render: ({ progress }) => PROGRESS[progress] },
  { name: "Why", render: ({ explanation }) => explanation?.message ?? "–", isMinor: true },
];

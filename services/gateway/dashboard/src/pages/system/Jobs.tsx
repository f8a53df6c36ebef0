import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Job, jobsQuery } from "~/api/queries/jobs";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { PagedList } from "~/components/PagedList";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { Time } from "~/components/Time";
import { agentsTold, jobTold, jobWords } from "~/pages/jobs/model";

/** Rotations and rolling restarts, and how far each is. */
export function Jobs() {
  const query = useInfiniteQuery(jobsQuery());
  return (
    <Panel title="Jobs" note="rotations and rolling restarts" isFlush>
      <PagedList
        query={query}
        what="jobs"
        label="Jobs"
        columns={COLUMNS}
        keyOf={(job) => job.id}
        empty={<EmptyState title="No job yet">Rotate a key, and its steps appear here.</EmptyState>}
      />
    </Panel>
  );
}

const COLUMNS: Column<Job>[] = [
  {
    name: "Job",
    render: (job) => (
      <Link to="/system/jobs/$id" params={{ id: job.id }}>
        {jobWords(job)}
      </Link>
    ),
  },
  { name: "Status", render: (job) => <Status {...jobTold(job)} /> },
  { name: "Agents", render: (job) => agentsTold(job) || "–", isMinor: true },
  {
    name: "Begun",
    render: ({ started_at }) => <Time at={started_at} />,
    isNumber: true,
    isMinor: true,
  },
];

import { useInfiniteQuery } from "@tanstack/react-query";
import { type AuditEntry, auditQuery } from "~/api/queries/administration";
import { ending } from "~/api/queries/names";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Time } from "~/components/Time";
import { SettingsTabs } from "./SettingsTabs";

/** Who did what, and which secret was opened for whom. */
export function Audit() {
  const query = useInfiniteQuery(auditQuery());
  return (
    <>
      <PageHeader
        title="Audit"
        facts="Every administrative act and every opening of a secret, in a signed chain."
      />
      <SettingsTabs />
      <Panel isFlush>
        <PagedList
          query={query}
          what="audit entries"
          label="Audit"
          columns={COLUMNS}
          keyOf={(entry) => entry.id}
          empty={<EmptyState title="Nothing has been done yet" />}
        />
      </Panel>
    </>
  );
}

const COLUMNS: Column<AuditEntry>[] = [
  { name: "When", render: ({ at }) => <Time at={at} /> },
  { name: "Act", render: ({ act }) => <code>{act}</code> },
  { name: "Who", render: ({ actor }) => `${actor.kind} ${ending(actor.id)}` },
  {
    name: "To what",
    render: ({ object_kind, object_id }) => `${object_kind} ${ending(object_id)}`,
    isMinor: true,
  },
  {
    name: "Request",
    render: ({ request_id }) => (request_id ? ending(request_id) : "–"),
    isMinor: true,
  },
];

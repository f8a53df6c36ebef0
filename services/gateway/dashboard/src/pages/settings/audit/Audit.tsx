import { useInfiniteQuery } from "@tanstack/react-query";
import { Allowed } from "~/api/permissions";
import { type AuditEntry, auditQuery } from "~/api/queries/administration";
import { ending } from "~/api/queries/names";
import { type Person, peopleQuery } from "~/api/queries/people";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { clock, day } from "~/format/time";
import { SettingsTabs } from "../SettingsTabs";
import styles from "./Audit.module.css";
import { ChainVerification } from "./ChainVerification";

/** Who did what, and which secret was opened for whom. */
export function Audit() {
  const query = useInfiniteQuery(auditQuery());
  const people = useInfiniteQuery(peopleQuery()).data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <>
      <PageHeader title="Audit" facts="Every administrative act and every opening of a secret." />
      <SettingsTabs />
      <Allowed to="audit:read">
        <ChainVerification />
      </Allowed>
      <Panel isFlush>
        <PagedList
          query={query}
          what="audit entries"
          label="Audit"
          columns={columnsFor(people)}
          keyOf={(entry) => entry.id}
          empty={<EmptyState title="Nothing has been done yet" />}
        />
      </Panel>
    </>
  );
}

function columnsFor(people: Person[]): Column<AuditEntry>[] {
  const emails = new Map(people.map(({ id, email }) => [id, email]));
  return [
    {
      name: "When",
      render: ({ at }) => (
        <time dateTime={at}>
          {day(at)} {clock(at)}
        </time>
      ),
    },
    { name: "Act", render: ({ act }) => <Act name={act} /> },
    {
      name: "Who",
      render: ({ actor }) => emails.get(actor.id) ?? `${actor.kind} ${ending(actor.id)}`,
    },
    {
      name: "To what",
      render: ({ object_kind, object_id }) => (
        <>
          {object_kind.replaceAll("_", " ")} <code>{ending(object_id)}</code>
        </>
      ),
      isMinor: true,
    },
    {
      name: "Request",
      render: ({ request_id }) => (request_id ? <code>{ending(request_id)}</code> : "–"),
      isMinor: true,
    },
  ];
}

/** `noun.past_participle`, which may be parted only after its point. */
function Act({ name }: { name: string }) {
  const [noun, participle] = name.split(".");
  return (
    <code>
      <span className={styles.word}>{noun}.</span>
      <wbr />
      <span className={styles.word}>{participle}</span>
    </code>
  );
}

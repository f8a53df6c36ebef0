import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useAgentNames, useAgentTypeNames, useProviderNames } from "~/api/queries/names";
import { type UsageRow, usageByQuery, usageIn } from "~/api/queries/usage";
import { GROUPS, type Group, type Period } from "~/api/usageGroups";
import { BarList } from "~/charts/BarList";
import { type Column, DataList } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";
import { compact, count } from "~/format/count";
import { duration } from "~/format/duration";
import { cost, money } from "~/format/money";
import { rateOf } from "~/format/rate";
import styles from "./Usage.module.css";

const NAMES: Record<Group, string> = {
  agent: "Agent",
  "agent-type": "Agent type",
  provider: "Provider",
  model: "Model",
  "use-case": "Use case",
  label: "Label",
};

interface UsageByProps {
  by: Group;
  asked: { period: Period; tz: string };
}

/** Who uses how much: drawn as the largest ten, and told of those who use most. */
export function UsageBy({ by, asked }: UsageByProps) {
  const query = useInfiniteQuery(usageByQuery(by, asked));
  const nameOf = useNames(by);
  return (
    <Panel isFlush>
      <nav aria-label="Usage by" className={styles.groups}>
        {GROUPS.map((group) => (
          <Link
            key={group}
            to="/usage"
            search={{ period: asked.period, by: group }}
            className={styles.group}
            aria-current={group === by ? "page" : undefined}
          >
            {NAMES[group]}
          </Link>
        ))}
      </nav>
      <Loaded query={query} what="usage">
        {({ pages }) => {
          const { rows } = usageIn(pages);
          if (rows.length === 0) return <EmptyState title="Nothing was used in this period" />;
          return (
            <Told
              rows={rows.map((row) => ({ ...row, name: nameOf(row) }))}
              head={NAMES[by]}
              more={query.hasNextPage ? () => query.fetchNextPage() : undefined}
              isLoadingMore={query.isFetchingNextPage}
            />
          );
        }}
      </Loaded>
    </Panel>
  );
}

interface ToldProps {
  rows: UsageRow[];
  head: string;
  more: (() => void) | undefined;
  isLoadingMore: boolean;
}

function Told({ rows, head, more, isLoadingMore }: ToldProps) {
  const hasCost = rows.some((row) => (row.cost_usd ?? 0) > 0);
  return (
    <>
      <div className={styles.spenders}>
        <BarList
          label={hasCost ? "By cost" : "By tokens"}
          format={hasCost ? money : compact}
          entries={rows.map(({ key, name, cost_usd, total_tokens }) => ({
            key,
            name,
            value: hasCost ? (cost_usd ?? 0) : total_tokens,
          }))}
        />
      </div>
      {more && (
        <p className={styles.rest}>
          So far the {count(rows.length)} with most tokens; the list goes on below.
        </p>
      )}
      <DataList
        label="Usage"
        rows={rows}
        keyOf={(row) => row.key}
        columns={columnsOf(head)}
        more={more}
        isLoadingMore={isLoadingMore}
      />
    </>
  );
}

function columnsOf(head: string): Column<UsageRow>[] {
  return [
    { name: head, render: ({ name }) => name },
    { name: "Calls", render: ({ calls }) => count(calls), isNumber: true },
    { name: "Tokens", render: ({ total_tokens }) => count(total_tokens), isNumber: true },
    {
      name: "Failed",
      render: ({ errors, calls }) => rateOf(errors, calls),
      isNumber: true,
      isMinor: true,
    },
    {
      name: "p95",
      render: ({ p95_response_time_ms }) => duration(p95_response_time_ms),
      isNumber: true,
      isMinor: true,
    },
    {
      name: "Cost",
      render: ({ cost_usd, unpriced_calls }) => cost(cost_usd, unpriced_calls),
      isNumber: true,
      isMinor: true,
    },
  ];
}

/** Usage is told by ids; the names are those of today. */
function useNames(by: Group): (row: UsageRow) => string {
  const agent = useAgentNames(by === "agent");
  const type = useAgentTypeNames(by === "agent-type");
  const provider = useProviderNames(by === "provider");
  const nameOf = { agent, "agent-type": type, provider }[by as string];
  return (row) => nameOf?.(row.key) ?? row.name;
}

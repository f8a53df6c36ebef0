import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { callsQuery } from "~/api/queries/calls";
import { useAgentNames } from "~/api/queries/names";
import { Button } from "~/components/Button";
import { ButtonLink } from "~/components/ButtonLink";
import { DataList } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { Loaded } from "~/components/Loaded";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { counted } from "~/format/count";
import { CallFilters } from "./CallFilters";
import styles from "./Calls.module.css";
import { CallsTabs } from "./CallsTabs";
import { callColumns } from "./columns";
import type { LiveCall } from "./live";
import { useLiveCalls } from "./useLiveCalls";

/** What happened in each model call; what was said in it is never stored. */
export function Calls() {
  const filter = useSearch({ from: "/calls" });
  const query = useInfiniteQuery(callsQuery(filter));
  const [isPaused, setIsPaused] = useState(false);
  const [isRead, setIsRead] = useState(false);
  const live = useLiveCalls(filter, isPaused || isRead);
  const nameOf = useAgentNames();
  return (
    <>
      <PageHeader
        title="Calls"
        facts="Every model call and how it ended. Content is never stored."
        action={
          <Button aria-pressed={!isPaused} onClick={() => setIsPaused(!isPaused)}>
            <span className={styles.light} data-on={!isPaused || undefined} aria-hidden="true" />
            {isPaused ? "Paused" : "Live"}
          </Button>
        }
      />
      <CallsTabs />
      <CallFilters filter={filter} />
      {live.waiting > 0 && (
        <Button className={styles.waiting} onClick={live.release}>
          Show {counted(live.waiting, "new call")}
        </Button>
      )}
      <Panel isFlush>
        <Loaded query={query} what="calls" lines={8}>
          {({ pages }) => {
            const counted = pages.flatMap((page) => page.data);
            const rows = merged(live.calls, counted);
            if (rows.length === 0) return <NoCall isFiltered={Object.keys(filter).length > 0} />;
            return (
              // biome-ignore lint/a11y/noStaticElementInteractions: rows wait while they are read
              <div
                onPointerEnter={() => setIsRead(true)}
                onPointerLeave={() => setIsRead(false)}
                onFocus={() => setIsRead(true)}
                onBlur={() => setIsRead(false)}
              >
                <DataList
                  label="Calls"
                  rows={rows}
                  keyOf={(call) => call.call_id}
                  columns={callColumns(nameOf)}
                  more={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
                  isLoadingMore={query.isFetchingNextPage}
                />
              </div>
            );
          }}
        </Loaded>
      </Panel>
    </>
  );
}

/** What was heard stands before what was asked for; what is both is told once, priced. */
function merged<Counted extends LiveCall>(heard: LiveCall[], asked: Counted[]) {
  const known = new Set(asked.map((call) => call.call_id));
  return [...heard.filter((call) => !known.has(call.call_id)), ...asked];
}

function NoCall({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <EmptyState
        title="No call matches"
        action={<ButtonLink to="/calls">Show all calls</ButtonLink>}
      />
    );
  }
  return (
    <EmptyState title="No call in the last 24 hours">
      Each request of an agent to a model appears here as soon as it has ended.
    </EmptyState>
  );
}

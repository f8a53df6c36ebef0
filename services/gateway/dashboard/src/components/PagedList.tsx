import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type Column, DataList } from "./DataList";
import { Loaded } from "./Loaded";

interface PagedListProps<Row> {
  query: UseInfiniteQueryResult<InfiniteData<{ data: Row[] }>>;
  /** What the rows are, in words: "providers". */
  what: string;
  label: string;
  columns: Column<Row>[];
  keyOf: (row: Row) => string;
  /** What is shown when there is no row at all. */
  empty: ReactNode;
}

/** A list of the API in all its states, continued by "Load more". */
export function PagedList<Row>({ query, what, empty, ...list }: PagedListProps<Row>) {
  return (
    <Loaded query={query} what={what}>
      {({ pages }) => {
        const rows = pages.flatMap((page) => page.data);
        if (rows.length === 0) return empty;
        return (
          <DataList
            {...list}
            rows={rows}
            more={query.hasNextPage ? () => query.fetchNextPage() : undefined}
            isLoadingMore={query.isFetchingNextPage}
          />
        );
      }}
    </Loaded>
  );
}

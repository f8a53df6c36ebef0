import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError, explained } from "~/api/errors";
import { clock } from "~/format/time";
import { Button } from "./Button";
import { EmptyState } from "./EmptyState";
import { ExplanationNotice } from "./ExplanationNotice";
import { Notice } from "./Notice";
import { Skeleton } from "./Skeleton";

type Asked<Data> = Pick<
  UseQueryResult<Data>,
  "data" | "error" | "dataUpdatedAt" | "isFetching" | "refetch"
>;

export interface LoadedProps<Data> {
  query: Asked<Data>;
  /** What is being loaded, in words: "providers". */
  what: string;
  lines?: number;
  children: (data: Data) => ReactNode;
}

/** One answer of the API in each of its states: on its way, here, failed, or here but old. */
export function Loaded<Data>({ query, what, lines = 4, children }: LoadedProps<Data>) {
  const retry = (
    <Button onClick={() => query.refetch()} isBusy={query.isFetching} busyLabel="Trying…">
      Try again
    </Button>
  );
  if (query.data === undefined) {
    if (query.error instanceof ApiError && query.error.status === 403) {
      return (
        <EmptyState title={`Your role may not see ${what}`}>
          {query.error.message} An owner can give you another role.
        </EmptyState>
      );
    }
    if (query.error)
      return <ExplanationNotice explanation={explained(query.error)} action={retry} />;
    return <Skeleton label={what} lines={lines} />;
  }
  return (
    <>
      {query.error && (
        <Notice tone="warning" action={retry}>
          <p>
            These {what} are from {clock(query.dataUpdatedAt)}: {explained(query.error).message}
          </p>
        </Notice>
      )}
      {children(query.data)}
    </>
  );
}

import type { QueryKey } from "@tanstack/react-query";
import { infiniteQueryOptions } from "@tanstack/react-query";

const PAGE = 200;

interface Page {
  data: unknown[];
  next_cursor: string | null;
}

/** A list that comes in pages, newest first; what is loaded is `data.pages`. */
export function pagedQuery<Answer extends Page>(
  key: QueryKey,
  ask: (page: { limit: number; cursor?: string }, signal: AbortSignal) => Promise<Answer>,
) {
  return infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      ask({ limit: PAGE, ...(pageParam && { cursor: pageParam }) }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

import type { QueryKey } from "@tanstack/react-query";
import { infiniteQueryOptions } from "@tanstack/react-query";

const PAGE = 200;

interface Page<Item = unknown> {
  data: Item[];
  next_cursor: string | null;
}

type Ask<Answer> = (
  page: { limit: number; cursor?: string },
  signal: AbortSignal,
) => Promise<Answer>;

/** A list that comes in pages, newest first; what is loaded is `data.pages`. */
export function pagedQuery<Answer extends Page>(key: QueryKey, ask: Ask<Answer>) {
  return infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      ask({ limit: PAGE, ...(pageParam && { cursor: pageParam }) }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

/** A list that is short and chosen from: all of it in one page, however it comes. A page of
 *  the API is shorter than was asked for where what it lists is large. */
export function wholeQuery<Item>(key: QueryKey, ask: Ask<Page<Item>>) {
  const whole: Ask<Page<Item>> = async (asked, signal) => {
    const page = await ask(asked, signal);
    if (page.next_cursor === null) return page;
    const rest = await whole({ ...asked, cursor: page.next_cursor }, signal);
    return { ...rest, data: [...page.data, ...rest.data] };
  };
  return pagedQuery(key, whole);
}

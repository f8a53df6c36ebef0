import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError } from "~/api/errors";
import { ME } from "~/api/me";

const TRIES = 2;
const UNAUTHORIZED = 401;

/** Asks again only what may pass by itself; a mutation's values are forgotten at once,
 *  because some of them are secrets. Whoever is told to be nobody is shown the way in. */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noticeEnd }),
  mutationCache: new MutationCache({ onError: noticeEnd }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) =>
        failures < TRIES && (!(error instanceof ApiError) || error.isPassing),
    },
    mutations: { gcTime: 0, retry: false },
  },
});

/** Ask who is signed in once that seems to have ended. */
function noticeEnd(error: Error) {
  if (error instanceof ApiError && error.status === UNAUTHORIZED) {
    void queryClient.invalidateQueries({ queryKey: ME });
  }
}

import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "~/api/errors";

const TRIES = 2;

/** Asks again only what may pass by itself; a mutation's values are forgotten at once,
 *  because some of them are secrets. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) =>
        failures < TRIES && (!(error instanceof ApiError) || error.isPassing),
    },
    mutations: { gcTime: 0, retry: false },
  },
});

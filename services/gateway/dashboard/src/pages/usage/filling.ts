import type { Timeline } from "~/api/queries/usage";

const NOW_WITHIN_MS = 60_000;

/** Whether a bucket still fills: it ends where the period does, which is the present. */
export function isFilling(last: Timeline["data"][number] | undefined, asOf: string): boolean {
  return last !== undefined && Date.parse(asOf) - Date.parse(last.ends_at) < NOW_WITHIN_MS;
}

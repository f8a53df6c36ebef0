import type { QueryClient, QueryKey } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { ME } from "./me";

/** The events that the gateway streams (`GET /api/events`), by name. */
export const EVENT_NAMES = [
  "call.finished",
  "message.finished",
  "provider.credential_expiring",
  "provider.credential_expired",
  "alert.opened",
  "alert.resolved",
] as const;

/** What an event makes old, by its noun. */
const MADE_OLD: Record<string, QueryKey[]> = {
  call: [["latest-failures"], ["usage"], ["agent-stats"]],
  message: [["threads"], ["thread"], ["dead-letters"]],
  provider: [["providers"], ["agents"]],
  alert: [["alerts"]],
};

/** The queries to ask anew after an event of this name. */
export function madeOldBy(name: string): QueryKey[] {
  return MADE_OLD[name.split(".")[0] ?? ""] ?? [];
}

type Listener = (payload: string) => void;

const listeners = new Map<string, Set<Listener>>();

/** Hear each event of a name, as JSON, while the stream is open. */
export function hearing(name: (typeof EVENT_NAMES)[number], listener: Listener): () => void {
  const heard = listeners.get(name) ?? new Set();
  listeners.set(name, heard.add(listener));
  return () => heard.delete(listener);
}

const REFRESH_MS = 3_000;
const FELT_MS = 5_000;

/** Follow the organization's events, and ask anew for what they make old: at most every
 *  three seconds however many there are, and not while nobody looks. */
export function followEvents(client: QueryClient): () => void {
  const old = new Map<string, QueryKey>();
  let source = opened(old);
  const timer = setInterval(() => {
    // A browser comes back by itself, but not to a gateway that refused it once, be it
    // because a session has ended; and then it does not say what it heard last.
    if (source.readyState === EventSource.CLOSED) {
      source = opened(old);
      source.addEventListener("open", () => client.invalidateQueries());
      void client.invalidateQueries({ queryKey: ME });
    }
    if (document.hidden) return;
    for (const queryKey of old.values()) void client.invalidateQueries({ queryKey });
    old.clear();
  }, REFRESH_MS);
  return () => {
    clearInterval(timer);
    source.close();
    found();
  };
}

function opened(old: Map<string, QueryKey>): EventSource {
  const source = new EventSource("/api/events");
  source.onopen = found;
  source.onerror = lost;
  for (const name of EVENT_NAMES) {
    source.addEventListener(name, ({ data }: MessageEvent<string>) => {
      for (const key of madeOldBy(name)) old.set(String(key), key);
      for (const listener of listeners.get(name) ?? []) listener(data);
    });
  }
  return source;
}

let losing: ReturnType<typeof setTimeout> | null = null;

/** Streams end now and then and begin again: that is told only once it is felt. */
function lost() {
  losing ??= setTimeout(() => tell(false), FELT_MS);
}

function found() {
  if (losing !== null) clearTimeout(losing);
  losing = null;
  tell(true);
}

let isLive = true;
const watchers = new Set<() => void>();

function tell(now: boolean) {
  if (now === isLive) return;
  isLive = now;
  for (const watcher of watchers) watcher();
}

/** Whether what pages show is kept up to date by events. */
export function useIsLive(): boolean {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => isLive,
  );
}

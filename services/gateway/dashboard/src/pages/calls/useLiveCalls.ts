import { useEffect, useRef, useState } from "react";
import { hearing } from "~/api/events";
import type { CallFilter } from "~/api/queries/calls";
import { KEPT, type LiveCall, newestFirst, passes } from "./live";

const FLUSH_MS = 250;

/** The calls that ended since one came, newest first. However many are heard, they are
 *  drawn four times a second at most; while *isHeld* they wait, and are counted. */
export function useLiveCalls(filter: CallFilter, isHeld: boolean) {
  const [calls, setCalls] = useState<LiveCall[]>([]);
  const [waiting, setWaiting] = useState(0);
  const heard = useRef<LiveCall[]>([]);
  const held = useRef(isHeld);
  held.current = isHeld;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter begins anew
  useEffect(() => {
    heard.current = [];
    setCalls([]);
    setWaiting(0);
    const stop = hearing("call.finished", (payload) => {
      const { call } = JSON.parse(payload) as { call: LiveCall };
      if (passes(call, filter)) heard.current.push(call);
      if (heard.current.length > KEPT) heard.current.shift();
    });
    const timer = setInterval(flush, FLUSH_MS);
    return () => {
      stop();
      clearInterval(timer);
    };
  }, [JSON.stringify(filter)]);

  function flush() {
    if (heard.current.length === 0 || document.hidden) return;
    if (held.current) setWaiting(heard.current.length);
    else release();
  }

  function release() {
    const fresh = heard.current;
    heard.current = [];
    setWaiting(0);
    setCalls((shown) => newestFirst(shown, fresh));
  }

  return { calls, waiting, release };
}

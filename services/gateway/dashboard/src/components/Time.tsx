import { useEffect, useState } from "react";
import { absolute, relative } from "~/format/time";

const REFRESH_MS = 30_000;

/** A moment as people say it, with the exact one for whoever asks. */
export function Time({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={absolute(at)}>
      {relative(at, now)}
    </time>
  );
}

/** The present, looked at again every half minute. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

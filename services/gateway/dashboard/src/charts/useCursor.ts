import type { KeyboardEvent, PointerEvent } from "react";

/** Which bucket is pointed at: by pointer, or by the arrow keys once focused. */
export function useCursor(buckets: number, at: number | null, setAt: (at: number | null) => void) {
  const within = (bucket: number) => Math.min(Math.max(bucket, 0), buckets - 1);
  return {
    tabIndex: 0,
    onPointerMove(event: PointerEvent<SVGSVGElement>) {
      const box = event.currentTarget.getBoundingClientRect();
      setAt(within(Math.floor(((event.clientX - box.left) / box.width) * buckets)));
    },
    onPointerLeave: () => setAt(null),
    onBlur: () => setAt(null),
    onKeyDown(event: KeyboardEvent) {
      if (event.key === "ArrowLeft") setAt(within((at ?? buckets) - 1));
      else if (event.key === "ArrowRight") setAt(within((at ?? -1) + 1));
      else if (event.key === "Escape") setAt(null);
      else return;
      event.preventDefault();
    },
  };
}

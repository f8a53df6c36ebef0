import { type RefObject, useEffect, useState } from "react";

/** Whether what is in a box is wider than the box, so that it must be scrolled. */
export function useOverflow(box: RefObject<HTMLElement | null>): boolean {
  const [overflows, setOverflows] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = () => setOverflows(element.scrollWidth > element.clientWidth);
    const watch = new ResizeObserver(look);
    for (const each of [element, ...element.children]) watch.observe(each);
    return () => watch.disconnect();
  }, [box]);
  return overflows;
}

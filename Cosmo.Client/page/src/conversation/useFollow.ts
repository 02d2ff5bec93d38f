import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

const near = 64;

/** Keeps the end of what scrolls in sight while it grows, where that is wanted and nobody has scrolled up. */
export function useFollow(scroller: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>, isWanted: boolean): { isAtEnd: boolean; toEnd: () => void } {
  const [isAtEnd, setAtEnd] = useState(true);
  const toEnd = (): void => {
    setAtEnd(true);
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  };
  useEffect(() => {
    if (!isWanted) {
      return undefined;
    }

    const box = scroller.current!;
    let follows = true;
    let last = box.scrollTop;
    const distance = (): number => box.scrollHeight - box.scrollTop - box.clientHeight;
    const scrolled = (): void => {
      // What shrinks or is scrolled by the page itself ends near the end; only a person goes up and away from it.
      follows = distance() < near || (follows && box.scrollTop >= last);
      last = box.scrollTop;
      setAtEnd(distance() < near || follows);
    };
    const grown = (): void => {
      if (follows) {
        box.scrollTop = box.scrollHeight;
      }
    };
    const observer = new ResizeObserver(grown);
    observer.observe(content.current!);
    observer.observe(box);
    box.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener("scroll", scrolled);
    };
  }, [isWanted]);
  return { isAtEnd, toEnd };
}

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** What may be wider than the page scrolls by itself; where it really is, the keyboard reaches it too. */
export function ScrollBox({ label, children }: { label: string; children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  const [isWide, setWide] = useState(false);
  useLayoutEffect(() => {
    const look = (): void => setWide(box.current!.scrollWidth > box.current!.clientWidth);
    look();
    if (typeof ResizeObserver === "undefined") {
      return undefined;
    }

    const observer = new ResizeObserver(look);
    observer.observe(box.current!);
    observer.observe(box.current!.firstElementChild!);
    return () => observer.disconnect();
  }, []);
  return <div ref={box} class="scroll-box" {...(isWide ? { tabIndex: 0, role: "region", "aria-label": label } : {})}>{children}</div>;
}

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../frame/Icon.js";

/** The list where there is no room beside the conversation. */
export function ListDrawer({ close, children }: { close: () => void; children: ComponentChildren }) {
  const drawer = useRef<HTMLDialogElement>(null);
  useEffect(() => drawer.current!.showModal(), []);
  return (
    <dialog ref={drawer} class="drawer" aria-label="Conversations" onClose={close} onClick={({ target, currentTarget }) => { if (target === currentTarget) { currentTarget.close(); } }}>
      <div class="drawer-body">
        <p class="drawer-head">
          <strong>Conversations</strong>
          <button type="button" class="icon-button" aria-label="Close" title="Close" onClick={() => drawer.current!.close()}><Icon name="close" /></button>
        </p>
        {children}
      </div>
    </dialog>
  );
}

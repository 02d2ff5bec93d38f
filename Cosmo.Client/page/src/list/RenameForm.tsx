import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "../frame/Icon.js";

/** Another name for a conversation. */
export function RenameForm({ title, rename }: { title: string; rename: (text: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    field.current!.focus();
    field.current!.select();
  }, []);
  return (
    <form onSubmit={(event) => { event.preventDefault(); rename(field.current!.value); }}>
      <input ref={field} dir="auto" aria-label="Name of the conversation" defaultValue={title} maxLength={200} data-testid="rename-field" />
      <button type="submit" class="icon-button" aria-label="Keep this name" title="Keep this name"><Icon name="check" /></button>
    </form>
  );
}

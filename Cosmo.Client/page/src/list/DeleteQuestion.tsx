import { useLayoutEffect, useRef } from "preact/hooks";

/** Whether a conversation is really to be deleted. */
export function DeleteQuestion({ title, keep, remove }: { title: string; keep: () => void; remove: () => void }) {
  const first = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => first.current!.focus(), []);
  return (
    <div class="asks">
      <p>Delete “{title}” from this device?</p>
      <div class="buttons">
        <button ref={first} type="button" class="button" onClick={keep}>Keep</button>
        <button type="button" class="button danger" data-testid="delete-really" onClick={remove}>Delete</button>
      </div>
    </div>
  );
}

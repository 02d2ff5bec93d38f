/** The part of a keyboard event that matters. */
interface Key {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly isComposing: boolean;
  readonly keyCode: number;
}

/** Whether Enter was pressed to send. An input method takes Enter too; Safari tells so by the key code alone. */
export function sendsOnEnter({ key, shiftKey, isComposing, keyCode }: Key): boolean {
  return key === "Enter" && !shiftKey && !isComposing && keyCode !== 229;
}

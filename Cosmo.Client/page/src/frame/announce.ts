type Listener = (sentence: string, isShown: boolean) => void;

let listener: Listener = () => {};

/** Says a sentence to whoever does not see the page. */
export function announce(sentence: string): void {
  listener(sentence, false);
}

/** Says to everybody that something did not work. */
export function complain(sentence: string): void {
  listener(sentence, true);
}

export function onAnnounced(announced: Listener): () => void {
  listener = announced;
  return () => (listener = () => {});
}

/** What the page keeps on the device. A browser that keeps nothing, or has no room left, is no reason to fail. */
const prefix = "cosmo.";

/** Null where there is nothing, or what is there is not JSON. */
export const read = (key: string): unknown => readFrom(() => localStorage, key);

/** Of a list, what is as it should be: another version of the page, or a person, may have written it. */
export function readList<T>(key: string, isOne: (value: unknown) => value is T): T[] {
  const kept = read(key);
  return Array.isArray(kept) ? kept.filter(isOne) : [];
}

/** Whether it is kept now. A null removes it. */
export const write = (key: string, value: unknown): boolean => writeTo(() => localStorage, key, value);

/** The same of this tab alone, over a reload. */
export const readOfTab = (key: string): unknown => readFrom(() => sessionStorage, key);

export const writeOfTab = (key: string, value: unknown): boolean => writeTo(() => sessionStorage, key, value);

/** Where storage is forbidden, even to look at it fails. */
function readFrom(store: () => Storage, key: string): unknown {
  try {
    return JSON.parse(store().getItem(prefix + key) ?? "null");
  } catch {
    return null;
  }
}

function writeTo(store: () => Storage, key: string, value: unknown): boolean {
  try {
    value === null ? store().removeItem(prefix + key) : store().setItem(prefix + key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Calls back when another tab has written a key. Returns what ends that. */
export function onWritten(key: string, written: () => void): () => void {
  const listener = (event: StorageEvent): void => {
    if (event.key === prefix + key || event.key === null) {
      written();
    }
  };
  addEventListener("storage", listener);
  return () => removeEventListener("storage", listener);
}

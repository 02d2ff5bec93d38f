/** What the page keeps on the device. A browser that keeps nothing, or has no room left, is no reason to fail. */
const prefix = "cosmo.";

/** Null where there is nothing, or what is there is not JSON. */
export function read(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(prefix + key) ?? "null");
  } catch {
    return null;
  }
}

/** Whether it is kept now. A null removes it. */
export function write(key: string, value: unknown): boolean {
  try {
    value === null ? localStorage.removeItem(prefix + key) : localStorage.setItem(prefix + key, JSON.stringify(value));
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

/** The conversation that the address names. Somebody may have written the hash by hand: what cannot be decoded is a name as it stands. */
export function nameIn(hash: string): string {
  const text = hash.replace(/^#/, "");
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The hash of a conversation. */
export function hashOf(name: string): string {
  return `#${encodeURIComponent(name)}`;
}

/** A name that nobody has. */
export function newName(): string {
  // `crypto.randomUUID` is there on https and localhost only.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

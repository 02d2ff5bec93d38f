import { useEffect, useState } from "preact/hooks";
import { hashOf, nameIn, newName } from "./hash.js";

/** The conversation that the address names; without one the address gets a new one. */
export function useName(): { name: string; begin: () => void } {
  const [name, setName] = useState(current);
  useEffect(() => {
    const changed = (): void => setName(current());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return { name, begin: () => (location.hash = hashOf(newName())) };
}

function current(): string {
  const named = nameIn(location.hash);
  if (named.trim() !== "") {
    return named;
  }

  const name = newName();
  history.replaceState(null, "", hashOf(name));
  return name;
}

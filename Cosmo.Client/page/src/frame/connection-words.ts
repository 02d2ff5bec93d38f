import type { ConnectionState } from "@cosmo/client";

/** How the connection is, in a few words. */
export function connectionWords(state: ConnectionState, now: number, isOnline: boolean): string {
  switch (state.name) {
    case "connected":
    case "renewing":
      return "Connected";
    case "waiting": {
      const seconds = Math.ceil((state.nextTryAt - now) / 1000);
      return !isOnline ? "Offline" : seconds > 1 ? `Trying again in ${seconds} s` : "Trying again";
    }
    case "refused":
      return "Not let in";
    case "closed":
      return "Closed";
    default:
      return "Connecting";
  }
}

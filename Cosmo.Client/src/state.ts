import type { RefusedError } from "./errors.js";

/** How the connection is. */
export type ConnectionState =
  /** The first try, or another one, is under way. */
  | { readonly name: "connecting" }
  /** Updates arrive, and questions leave at once. */
  | { readonly name: "connected" }
  /** Connected, while the next connection is being made because this one's right to send ends. */
  | { readonly name: "renewing" }
  /** Not connected; the next try is at this moment (milliseconds since 1970). */
  | { readonly name: "waiting"; readonly nextTryAt: number }
  /** The server does not let this client in. Nothing is tried until `reconnect()`. */
  | { readonly name: "refused"; readonly reason: RefusedError }
  /** Ended by `close()`. */
  | { readonly name: "closed" };

import { Chat } from "./chat.js";
import type { ConnectOptions } from "./options.js";

/** Opens a conversation: it connects at once, stays connected, and catches up with what was missed, until `close()`. */
export function connect(options: ConnectOptions): Chat {
  return new Chat(options);
}

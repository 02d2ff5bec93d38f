import type { Address } from "./address.js";
import type { TokenSource } from "./channel-api.js";
import type { Subprotocol } from "./line.js";
import type { Platform } from "./platform.js";

/** How to reach a channel. */
export interface ConnectOptions {
  /** The address of the functions, up to and with `/api`. */
  readonly api: string;
  /** The conversation: any string of up to 512 characters. */
  readonly channel: string;
  /** The user's bearer token, or what gets a fresh one. */
  readonly token?: TokenSource;
  /**
   * In the place of `token`: asks the host application, whose back end got the answer from `POST channels/{channel}/tokens`. Throw a RefusedError where it says
   * no; whatever else it throws is taken for an outage, after which it is asked again.
   */
  readonly negotiate?: () => Promise<Address>;
  /** Whether updates bring all of the text each time, or only what is new. The turns are the same either way. Default: `whole`. */
  readonly text?: "whole" | "delta";
  /** The subprotocol of Web PubSub. Default: the reliable one. */
  readonly protocol?: Subprotocol;
  /** Parts of the platform that are replaced, such as the WebSocket in Node 20. */
  readonly platform?: Partial<Platform>;
}

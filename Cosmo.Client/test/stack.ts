import { WebSocket } from "ws";
import type { Address, Platform, SocketConstructor } from "../src/index.js";

/** The real functions that a live test talks to. */
const { COSMO_API, COSMO_CONTROL, COSMO_KEY } = process.env;

/** Whether an end-to-end test of the functions said where they are. */
export const isLive = COSMO_API !== undefined;

/** The address of the functions, up to and with `/api`. */
export const api = COSMO_API ?? "";

/** What stops and starts the functions, and stands for a host application's back end. */
export const control = COSMO_CONTROL ?? "";

/** The function key that a host application's back end has. */
export const key = COSMO_KEY ?? "";

export const platform: Partial<Platform> = { WebSocket: WebSocket as unknown as SocketConstructor };

/** A name that no other test has, and that has to be encoded in routes. */
export const newChannel = (): string => `team/${crypto.randomUUID()}%`;

/** What a host application does for its user. */
export async function negotiate(channel: string): Promise<Address> {
  return (await (await fetch(`${control}/tokens?channel=${encodeURIComponent(channel)}`, { method: "POST" })).json()) as Address;
}

/** Waits until something is as it should be. */
export async function until<T>(look: () => T | undefined | false | null): Promise<T> {
  for (;;) {
    const seen = look();
    if (seen !== undefined && seen !== false && seen !== null) {
      return seen;
    }

    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The part of a WebSocket that is used; the browsers' own and that of the package `ws` are such. */
export interface Socket {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown } & never) => void) | null;
  onclose: ((event: { code: number; reason: string } & never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** A class that opens sockets. */
export type SocketConstructor = new (url: string, protocol: string) => Socket;

/** What a timer is known by. */
export type TimerId = ReturnType<typeof setTimeout> | number;

/** What the client takes from the platform. Every part can be replaced: in Node 20 the WebSocket, in tests all of it. */
export interface Platform {
  /** Asks over HTTP. */
  fetch(url: string, options: RequestInit): Promise<Response>;
  /** Opens sockets. */
  WebSocket: SocketConstructor;
  /** Milliseconds since 1970. */
  now(): number;
  /** A number from 0 up to 1. */
  random(): number;
  /** A new message id. */
  uuid(): string;
  setTimeout(run: () => void, milliseconds: number): TimerId;
  clearTimeout(timer: TimerId | undefined): void;
  /** Calls back whenever the tab may have slept or the network may be back. Returns what ends that. */
  onWake(woke: () => void): () => void;
}

/** The platform that the code runs on, with what is replaced in it. */
export function platformWith(replaced: Partial<Platform> = {}): Platform {
  return {
    fetch: (url, options) => fetch(url, options),
    WebSocket: globalThis.WebSocket as unknown as SocketConstructor,
    now: () => Date.now(),
    random: () => Math.random(),
    uuid,
    setTimeout: (run, milliseconds) => setTimeout(run, milliseconds),
    clearTimeout: (timer) => clearTimeout(timer),
    onWake,
    ...replaced,
  };
}

/** `crypto.randomUUID` is there on https and localhost only. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function onWake(woke: () => void): () => void {
  if (typeof document === "undefined" || typeof window === "undefined") {
    return () => {};
  }

  const seen = (): void => {
    if (document.visibilityState === "visible") {
      woke();
    }
  };
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("online", woke);
  window.addEventListener("pageshow", woke);
  return () => {
    document.removeEventListener("visibilitychange", seen);
    window.removeEventListener("online", woke);
    window.removeEventListener("pageshow", woke);
  };
}

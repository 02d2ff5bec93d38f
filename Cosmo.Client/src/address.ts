/** What negotiate answers, or a host application's back end that asked for it. */
export interface Address {
  /** The address of a connection. */
  readonly url: string;
  /** Until when the address opens a connection, and its user may send. */
  readonly expires_at: string;
  /** Signs the user in over HTTP; only from a back end that asked for it. */
  readonly token?: string;
}

/** How long an address lives, in milliseconds: as its own token says, since this machine's clock may be wrong. */
export function lifeOf(address: Address, now: number): number {
  const life = tokenLife(address.url) ?? Date.parse(address.expires_at) - now;
  return Number.isFinite(life) ? Math.max(life, 10_000) : 60 * 60_000;
}

function tokenLife(url: string): number | null {
  try {
    const payload = new URL(url).searchParams.get("access_token")!.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/");
    const { iat, exp } = JSON.parse(atob(payload)) as { iat?: unknown; exp?: unknown };
    return typeof iat === "number" && typeof exp === "number" && exp > iat ? (exp - iat) * 1000 : null;
  } catch {
    return null;
  }
}

import { type Address, RefusedError } from "@cosmo/client";

/** What `config.json` says, beside the page on its server. */
export interface Config {
  /** The functions, up to and with `/api`. */
  readonly functionsUrl: string;
  /** Where this page's own server gives the address of a channel to its user; left out, the functions are asked without a user. */
  readonly negotiateUrl?: string;
  /** What a new conversation offers to ask. */
  readonly suggestions?: readonly Suggestion[];
}

/** A question that is offered: with a title as a card, without one in a row below. */
export interface Suggestion {
  readonly title?: string;
  readonly question: string;
}

export async function readConfig(): Promise<Config> {
  const answer = await fetch("config.json", { cache: "no-cache", signal: AbortSignal.timeout(15_000) });
  if (!answer.ok) {
    throw new Error(`config.json answered ${answer.status}.`);
  }

  const { functionsUrl, negotiateUrl, suggestions } = (await answer.json()) as Partial<Config>;
  if (typeof functionsUrl !== "string") {
    throw new Error("config.json has no functionsUrl.");
  }

  return { functionsUrl, ...(typeof negotiateUrl === "string" ? { negotiateUrl } : {}), ...(Array.isArray(suggestions) ? { suggestions } : {}) };
}

/** Asks the page's own server for the address of a channel: it knows who its user is, and the functions believe it. */
export async function negotiate(url: string, name: string): Promise<Address> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name }),
    cache: "no-store",
    signal: AbortSignal.timeout(15_000),
  });
  if (answer.ok) {
    return (await answer.json()) as Address;
  }

  if ([400, 401, 403].includes(answer.status)) {
    const problem = (await answer.json().catch(() => ({}))) as { title?: string; detail?: string };
    throw new RefusedError(problem.detail ?? problem.title ?? "You may not open this conversation.", problem.title ?? null, answer.status);
  }

  throw new Error(`The server of this page answered ${answer.status}.`);
}

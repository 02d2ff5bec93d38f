import { RefusedError, UnavailableError } from "./errors.js";
import type { Platform } from "./platform.js";
import { isObject } from "./updates.js";

/** How long an HTTP request may take. */
export const requestLimit = 15_000;

/** A request to the functions. */
export interface Request {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly token: string | null;
  readonly body?: unknown;
}

/** Asks, and answers the JSON that came. Throws a RefusedError, or an UnavailableError where asking again later may help. */
export async function call(platform: Platform, { method, url, token, body }: Request): Promise<unknown> {
  const limit = new AbortController();
  const timer = platform.setTimeout(() => limit.abort(), requestLimit);
  const headers = { ...(token === null ? {} : { Authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
  try {
    const answer = await platform.fetch(url, { method, headers, signal: limit.signal, cache: "no-store", ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await answer.text();
    const content = parse(text);
    if (answer.ok) {
      if (content === undefined) {
        throw new UnavailableError("Something on the way answered in the place of the server.", answer.status);
      }

      return content;
    }

    throw failure(answer, isObject(content) ? content : {});
  } catch (error) {
    throw error instanceof RefusedError || error instanceof UnavailableError ? error : new UnavailableError("The server cannot be reached.");
  } finally {
    platform.clearTimeout(timer);
  }
}

/** Null for no text; undefined for what is no JSON. */
function parse(text: string): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failure({ status, headers }: Response, problem: Record<string, unknown>): Error {
  const title = typeof problem["title"] === "string" ? problem["title"] : `The server answered ${status}.`;
  const detail = typeof problem["detail"] === "string" ? problem["detail"] : null;
  const seconds = Number(headers.get("Retry-After") ?? NaN);
  // A host that has only just begun knows no routes yet, and says so without a problem.
  const isPassing = status >= 500 || status === 408 || status === 429 || (status === 404 && problem["title"] === undefined);
  return isPassing
    ? new UnavailableError(detail ?? title, status, Number.isFinite(seconds) ? seconds * 1000 : null)
    : new RefusedError(detail ?? title, title, status);
}

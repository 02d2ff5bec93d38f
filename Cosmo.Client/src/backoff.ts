/** The longest delay between two tries. */
export const longestDelay = 20_000;

const shortestDelay = 500;

/** How long to wait before a try: it doubles up to a limit. */
export function backoff(tries: number, random: () => number): number {
  return jittered(Math.min(longestDelay, shortestDelay * 2 ** Math.min(tries, 16)), random);
}

/** Half of a delay is chance, so that many clients do not come back at once. */
export function jittered(delay: number, random: () => number): number {
  return delay * (0.5 + random() / 2);
}

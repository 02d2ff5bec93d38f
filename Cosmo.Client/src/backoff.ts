/** The longest delay between two tries. */
export const longestDelay = 20_000;

const shortestDelay = 500;

/** How long to wait before a try: it doubles up to a limit, and half of it is chance, so that many clients do not come back at once. */
export function backoff(tries: number, random: () => number): number {
  return Math.min(longestDelay, shortestDelay * 2 ** Math.min(tries, 16)) * (0.5 + random() / 2);
}

import type { TimerId } from "../src/index.js";

/** A clock that stands still until it is told otherwise. */
export class FakeClock {
  now = 1_700_000_000_000;
  #timers = new Map<number, { due: number; run: () => void }>();
  #nextId = 1;

  setTimeout(run: () => void, milliseconds: number): TimerId {
    this.#timers.set(this.#nextId, { due: this.now + milliseconds, run });
    return this.#nextId++;
  }

  clearTimeout(timer: TimerId | undefined): void {
    this.#timers.delete(Number(timer));
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Time passes, and whatever is due runs at its moment. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds;
    await settle();
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.now = Math.max(this.now, next.due);
      this.#timers.delete(next.id);
      next.run();
      await settle();
    }

    this.now = end;
  }

  /** Time passes while nothing runs, as on a machine that sleeps; what is due runs late. */
  async sleep(milliseconds: number): Promise<void> {
    this.now += milliseconds;
    await this.pass(0);
  }

  #next(end: number): { id: number; due: number; run: () => void } | null {
    let first: { id: number; due: number; run: () => void } | null = null;
    for (const [id, timer] of this.#timers) {
      if (timer.due <= end && (first === null || timer.due < first.due)) {
        first = { id, ...timer };
      }
    }

    return first;
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Chance that is the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

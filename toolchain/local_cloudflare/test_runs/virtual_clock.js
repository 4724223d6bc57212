// The clock of a test run. While the run works, it goes as fast as any clock. While the run only waits, it skips to the end
// of the next sleep, wait or retry delay, or goes many times as fast. All of them end in the order in which they would
// end otherwise, so the arms of a race still have the right winner.

import { AsyncLocalStorage } from 'node:async_hooks';

const TICK_MILLISECONDS = 10;
/** Between two steps, a run also looks as if it only waited, until its writes are on disk, and for a moment longer. */
const IDLE_TICKS = 8;

/** The clock of the run that is calling the engine; other runs use the real clock. */
const current = new AsyncLocalStorage();
const waitReally = scheduler.wait.bind(scheduler);

/** The engine uses this function for everything that takes time. */
scheduler.wait = (duration, options) =>
  current.getStore()?.wait(duration, options?.signal) ?? waitReally(duration, options);

export const withRealClock = (work) => current.exit(work);

export class VirtualClock {
  #speed;
  #run;
  #idleTicks = 0;
  #activity = 0;
  /** Whether the writes of the run are on disk, since it was last active. */
  #settled;
  /** How far this clock is ahead of the real one. */
  #ahead = 0;
  #lastTick = 0;
  #timers = new Set();
  #interval;

  /**
   * With a speed of null, everything that the run waits for is skipped. The run has `isWaiting`, `activity` (a number that
   * changes with everything that it does) and `settle`, which returns when its writes are on disk.
   */
  constructor(speed, run) {
    this.#speed = speed;
    this.#run = run;
  }

  run(work) {
    return current.run(this, work);
  }

  get #now() {
    return Date.now() + this.#ahead;
  }

  wait(duration, signal) {
    return new Promise((resolve, reject) => {
      const timer = { due: this.#now + duration, resolve };
      this.#timers.add(timer);
      signal?.addEventListener('abort', () => {
        this.#timers.delete(timer);
        reject(signal.reason);
      });
      this.#start();
    });
  }

  #start() {
    if (this.#interval !== undefined) return;
    this.#lastTick = Date.now();
    this.#interval = setInterval(() => this.#tick(), TICK_MILLISECONDS);
  }

  #tick() {
    const elapsed = Date.now() - this.#lastTick;
    this.#lastTick += elapsed;
    this.#idleTicks = this.#isIdle() ? this.#idleTicks + 1 : 0;
    const next = Math.min(...Array.from(this.#timers, ({ due }) => due));
    if (this.#idleTicks >= IDLE_TICKS) this.#advance(elapsed, next);
    if (next <= this.#now) this.#fire(next);
    if (this.#timers.size > 0) return;
    clearInterval(this.#interval);
    this.#interval = undefined;
  }

  /** Whether the run does nothing, and has nothing left to write. */
  #isIdle() {
    const activity = this.#run.activity();
    if (!this.#run.isWaiting() || activity !== this.#activity) {
      this.#activity = activity;
      this.#settled = undefined;
    } else this.#settled ??= this.#settle();
    return this.#settled?.isDone ?? false;
  }

  #settle() {
    const settled = { isDone: false };
    void this.#run.settle().then(() => {
      settled.isDone = true;
    });
    return settled;
  }

  /** Never beyond the next timer, because what happens then may end the others. */
  #advance(elapsed, next) {
    const left = next - this.#now;
    if (left <= 0) return;
    this.#ahead += this.#speed === null ? left : Math.min(left, elapsed * (this.#speed - 1));
  }

  #fire(due) {
    this.#idleTicks = 0;
    this.#settled = undefined;
    for (const timer of [...this.#timers].filter((each) => each.due === due)) {
      this.#timers.delete(timer);
      timer.resolve();
    }
  }
}

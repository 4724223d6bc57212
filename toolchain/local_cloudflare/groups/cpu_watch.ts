// Notices code that keeps a group's process busy. All Workers of a group run in one thread of one process, so an endless
// loop blocks everything in it, and neither workerd nor Miniflare holds Workers to Cloudflare's limit on CPU time.

/** A run whose process uses less in a second only waits. A busy process may get no more on a machine with a high load. */
const IDLE_MILLISECONDS = 20;
/** A process is asked when it has used this much since its last answer, however long that took. */
const ASK_MILLISECONDS = 100;

/** Limits are not held more exactly than this: samples are a second apart, and a process also needs time to start. */
export const LEAST_MILLISECONDS = 1000;
const KILLS_WITHOUT_REST = 2;
const FIRST_REST_MILLISECONDS = 10_000;
/** A kill counts for this time, and no rest is longer. */
const KILLS_COUNT_MILLISECONDS = 600_000;

export interface Usage {
  pid: number;
  milliseconds: number;
}

/** Measures CPU time from samples of a process, which are about a second apart. */
export class CpuWatch {
  #last: Usage = { pid: 0, milliseconds: 0 };
  /** The CPU time when the process was asked, if it has not answered. */
  #asked: Usage | undefined;
  /** The CPU time at the last answer, or when the process was first seen. */
  #answered = 0;
  #progress = '';
  #sinceProgress = 0;

  /**
   * How much CPU time the process has used without a pause: since it was asked something, and has not answered. With
   * `progress`, a text that changes when the only run gets further, also how much it has used since the last change.
   */
  sample(usage: Usage, ask: () => Promise<unknown>, progress?: string): { blocked: number; stalled: number } {
    const isSame = usage.pid === this.#last.pid;
    const used = isSame ? usage.milliseconds - this.#last.milliseconds : 0;
    this.#last = usage;
    if (!isSame) {
      this.#asked = undefined;
      this.#answered = usage.milliseconds;
    }
    const blocked = this.#asked ? usage.milliseconds - this.#asked.milliseconds : 0;
    if (!this.#asked && usage.milliseconds - this.#answered >= ASK_MILLISECONDS) this.#ask(usage, ask);
    return { blocked, stalled: this.#stalled(used, isSame ? progress : undefined) };
  }

  #ask(usage: Usage, ask: () => Promise<unknown>): void {
    this.#asked = usage;
    const answered = () => {
      if (this.#asked !== usage) return;
      this.#asked = undefined;
      this.#answered = this.#last.milliseconds;
    };
    ask().then(answered, answered);
  }

  #stalled(used: number, progress: string | undefined): number {
    if (progress === undefined || progress !== this.#progress) {
      this.#progress = progress ?? '';
      this.#sinceProgress = 0;
    } else if (used >= IDLE_MILLISECONDS) this.#sinceProgress += used;
    return this.#sinceProgress;
  }
}

/** When processes of a group were killed, so that code that keeps looping does not keep a core busy. */
export class Kills {
  #times: number[] = [];

  add(now = Date.now()): void {
    this.#times = [...this.#times.filter((time) => now - time < KILLS_COUNT_MILLISECONDS), now];
  }

  /** How long the group rests before it continues by itself: the more kills, the longer. */
  get restMilliseconds(): number {
    const more = this.#times.length - KILLS_WITHOUT_REST;
    return more <= 0 ? 0 : Math.min(FIRST_REST_MILLISECONDS * 2 ** (more - 1), KILLS_COUNT_MILLISECONDS);
  }
}

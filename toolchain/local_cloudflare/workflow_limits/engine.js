// Miniflare's Workflows engine, in which an instance needs one of the account's permits to run (see permits.ts): for its
// code and for each attempt of a step. While it only sleeps, or waits for an event or a retry, it needs no permit. If no
// permit is left afterwards, it is queued.
//
// An instance that waits or is queued leaves memory (see memory.js). The platform then knows when its wait ends (see
// wakes.ts), requests the permit, and grants it to the instance's next object, which replays the steps. An event reaches
// the next object by itself.

import { RpcTarget } from 'cloudflare:workers';
import { AsyncLocalStorage } from 'node:async_hooks';
import { WorkflowBinding } from './binding.mjs';
import { EventEngine } from './event_engine.mjs';
import { Residence, UNLOADED } from './memory.mjs';
import { TestStep } from './test_step.mjs';
import { VirtualClock, withRealClock } from './virtual_clock.mjs';

export { WorkflowBinding };

/** The engine's numbers and keys. */
const STATUS = {
  queued: 0,
  running: 1,
  paused: 2,
  errored: 3,
  terminated: 4,
  complete: 5,
  waitingForPause: 6,
  waiting: 7,
};
const EVENT = {
  start: 1,
  failure: 3,
  stepStart: 5,
  stepFailure: 7,
  sleepStart: 8,
  sleepComplete: 9,
  attemptStart: 10,
  attemptFailure: 12,
  waitStart: 14,
  waitComplete: 15,
  waitTimedOut: 16,
};
const METADATA = 'INSTANCE_METADATA';
const PAUSED_AT = 'PAUSE_DATETIME';
const PAUSE_REASON = 'Aborting engine: User called pause';
const ABORTED = /^Aborting engine: /;
const CLOSED = /^Aborting engine: User called (restart|terminate|delete)$/;
const CANNOT_TERMINATE = '(instance.cannot_terminate) The instance has already ended';

const PAUSE = [STATUS.paused, STATUS.waitingForPause];
/** In any other status, an instance returns its permit. */
const ACTIVE = [STATUS.queued, STATUS.running, STATUS.waitingForPause, STATUS.waiting];
const FINAL = [STATUS.errored, STATUS.terminated, STATUS.complete];
const WAIT_ENDS = [EVENT.sleepComplete, EVENT.waitComplete, EVENT.waitTimedOut];

/**
 * When the first of its waits ends, stored while the instance waits without a permit, so that the next object replays its
 * steps without a permit.
 */
const WAITS = 'LOCAL_CLOUDFLARE_WAITS';
/** Stored while a terminated instance is rolled back, so that the next process continues with that. */
const ROLLS_BACK = 'LOCAL_CLOUDFLARE_ROLLS_BACK';
/** When the instance was last continued by the platform. */
const STARTED = 'LOCAL_CLOUDFLARE_STARTED';
/** How long the instance is kept after its end, if it does not follow its Workflow. */
const RETENTION = 'LOCAL_CLOUDFLARE_RETENTION';
/** The plan of a test run, stored before the instance is created. */
const TEST_PLAN = 'LOCAL_CLOUDFLARE_TEST_PLAN';
/** The last event of a step when code used too much CPU time outside of steps. */
const EXCEEDED_AFTER = 'LOCAL_CLOUDFLARE_EXCEEDED_AFTER';
/** How long steps take that the code has slept until a moment, so that a replay finds their ends. */
const SLEEP_UNTIL = 'LOCAL_CLOUDFLARE_SLEEP_UNTIL';
/** During shorter waits, an instance keeps its permit. */
const SHORT_WAIT_MILLISECONDS = 100;
const RETRY_MILLISECONDS = 1000;

/** Counts the running attempts of the step that is calling the engine. */
const attemptsOf = new AsyncLocalStorage();

export class Engine extends EventEngine {
  #permits;
  /** Distinguishes the objects of an instance: after a restart, it has a new object. */
  #object = crypto.randomUUID();
  #hasPermit = false;
  /** The request for a permit that has not been answered, and the promise that the permit fulfills. */
  #request;
  #permit;
  #lastCall = Promise.resolve();
  /** Whether the platform knows about a permit or a request of this object. */
  #isKnown = false;
  /** The steps, sleeps and waits that have started and not ended, and the attempts that are about to start. */
  #open = 0;
  #starting = 0;
  /** Increases whenever a step, sleep or wait starts or ends. */
  #activity = 0;
  #isReplaying = false;
  #timer;
  /** Whether the instance is starting or running, and whether it was started or resumed since. */
  #isActive = false;
  #mustRun = false;
  /** Whether the instance is being terminated, restarted or deleted, after which this object is aborted. */
  #isClosed = false;
  /** Whether a final status is stored, or being stored. */
  #hasEnded = false;
  /** The clock of a test run. */
  #clock;
  /** In a test run, the types of the events that answer pinned waits, and how they are shown. */
  #shownTypes = new Map();
  #residence;
  /** How many calls of others are being served, besides `init`. */
  #calls = 0;
  /** Whether the platform knows that the instance is queued. */
  #isQueued = false;

  constructor(state, env) {
    const run = (event, step) => this.#run(env.USER_WORKFLOW, event, step);
    super(state, { ...env, USER_WORKFLOW: { run } });
    this.#permits = env.PERMITS;
    this.#limitAttempts();
    this.#residence = new Residence(env.IDLE_MILLISECONDS, {
      canLeave: () => this.#canLeave,
      leave: () => this.#leave(),
      abort: () => this.ctx.abort(UNLOADED),
    });
  }

  get #canLeave() {
    const watchers = this.subscribers.size + this.statusWaiters.size + this.stepResultWaiters.size;
    if (this.#calls + watchers > 0 || this.#clock || this.rollbackPhase || this.#isClosed) return false;
    if (!this.#isActive) return true;
    if (this.#isQueued) return !this.timeoutHandler.isRunningStep();
    const isWaiting = this.#isWaiting && !this.#hasPermit && this.#request === undefined;
    return isWaiting && this.#wakesAt - Date.now() > this.env.IDLE_MILLISECONDS;
  }

  /** When the first of the instance's waits ends; undefined if that is not known. */
  get #wakesAt() {
    const times = this.priorityQueue?.getEntries().map(({ targetTimestamp }) => targetTimestamp) ?? [];
    const later = times.filter((time) => time > Date.now()); // attempts that were cut off leave earlier ones
    return later.length > 0 ? Math.min(...later) : undefined;
  }

  async #leave() {
    if (this.#isActive && !this.#isQueued) {
      const wakesAt = this.#wakesAt;
      await this.ctx.storage.put(WAITS, wakesAt);
      await this.#call('unload', { wakesAt });
    }
    await this.#lastCall;
    await this.ctx.storage.sync();
  }

  /** Serve a call, during which the instance stays in memory. */
  async #serve(work) {
    this.#calls += 1;
    this.#residence.touch();
    try {
      return await work();
    } finally {
      this.#calls -= 1;
      this.#residence.touch();
    }
  }

  #limitAttempts() {
    const handler = this.timeoutHandler;
    const { acquire, release } = handler;
    handler.acquire = async (engine) => {
      this.#starting += 1;
      try {
        if (!this.rollbackPhase) await this.#ensurePermit();
        await acquire.call(handler, engine);
        const attempts = attemptsOf.getStore();
        if (attempts) attempts.running += 1;
      } finally {
        this.#starting -= 1;
      }
    };
    handler.release = async (engine) => {
      const attempts = attemptsOf.getStore();
      if (attempts) attempts.running -= 1;
      await withRealClock(() => release.call(handler, engine));
      this.#releaseIfWaiting();
    };
  }

  /** In a rollback, the code is replayed to find the handlers, and no step runs. */
  async #run(workflow, event, step) {
    if (this.rollbackPhase) return workflow.run(event, step);
    this.#open = 0;
    this.#isReplaying = (await this.ctx.storage.get(WAITS)) !== undefined;
    if (this.#isReplaying) await this.#enterUnlessPaused(STATUS.running);
    else await this.#ensurePermit();
    try {
      const testable = await this.#testable(step);
      const limited = new LimitedStep(testable, {
        during: (work) => this.#during(work),
        sleepUntil: (sleep) => this.#sleepUntil(testable, sleep),
      });
      return await workflow.run(event, limited);
    } finally {
      await this.#untilAbortedIfClosed();
    }
  }

  /** How a test run differs from others; called before the instance is created. */
  async planTest(plan) {
    await this.ctx.storage.put(TEST_PLAN, plan);
  }

  async retain(retention) {
    await this.ctx.storage.put(RETENTION, retention);
  }

  async #testable(step) {
    const plan = await this.ctx.storage.get(TEST_PLAN);
    if (!plan) return step;
    const clock = new VirtualClock(plan.speed, {
      isWaiting: () => this.#isWaiting && this.#request === undefined,
      activity: () => this.#activity,
      settle: () => this.ctx.storage.sync(),
    });
    this.#clock = clock;
    const engine = {
      stop: () => this.userTriggeredTerminate(),
      pinWait: (name, answer) => this.#pinWait(name, answer),
    };
    return new TestStep(step, { plan, clock, engine });
  }

  /** In a test run, the retries of a rollback do not take their time either. */
  createRollbackContext(step) {
    const context = super.createRollbackContext(step);
    const clock = this.#clock;
    if (!clock || !step) return context;
    return { do: (...args) => this.#during(() => clock.run(() => context.do(...args))) };
  }

  /** Answer a wait in advance, or let it time out. The event has a type of its own, so that no other wait receives it. */
  async #pinWait(name, { type, shownAs, failures, result }) {
    this.#shownTypes.set(type, shownAs);
    if (failures) await this.getInstanceModifier().forceEventTimeout({ name });
    else await this.receiveEvent({ type, payload: result, timestamp: new Date() });
  }

  /** The code of a closed object does not continue: it would change the status while the object waits for its abort. */
  async #untilAbortedIfClosed() {
    if (this.#isClosed) await new Promise(() => undefined);
  }

  /** Run a step, a sleep or a wait; the code after it needs a permit. */
  async #during(work) {
    let isAborted = false;
    const attempts = { running: 0 };
    await this.#untilAbortedIfClosed();
    this.#open += 1;
    this.#act();
    this.#releaseIfWaiting();
    try {
      return await attemptsOf.run(attempts, work);
    } catch (error) {
      isAborted = ABORTED.test(error?.message);
      throw error;
    } finally {
      if (!isAborted) await this.#endAttempts(attempts);
      this.#open -= 1;
      this.#act();
      await this.#untilAbortedIfClosed();
      if (!isAborted && !this.#isReplaying) await this.#ensurePermit();
    }
  }

  #act() {
    this.#activity += 1;
    this.#residence.touch();
  }

  /** The engine does not end an attempt that throws a NonRetryableError, and would look busy forever. */
  async #endAttempts(attempts) {
    for (; attempts.running > 0; attempts.running -= 1) await this.timeoutHandler.release(this);
  }

  get #isWaiting() {
    return this.#open > 0 && this.#starting === 0 && !this.timeoutHandler.isRunningStep();
  }

  #releaseIfWaiting() {
    if (!this.#hasPermit || !this.#isWaiting) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (!this.#hasPermit || !this.#isWaiting) return;
      void this.ctx.storage.put(WAITS, (!this.#clock && this.#wakesAt) || true);
      this.#release();
    }, SHORT_WAIT_MILLISECONDS);
  }

  async #ensurePermit() {
    this.#isReplaying = false;
    if (this.#hasPermit) return;
    this.#request ??= this.#requestPermit().finally(() => {
      this.#request = undefined;
    });
    await this.#request;
  }

  async #requestPermit() {
    this.#permit = Promise.withResolvers();
    this.#permit.promise.catch(() => undefined);
    try {
      await this.#awaitPermit(this.#permit.promise);
    } catch (error) {
      this.#release();
      throw error;
    } finally {
      this.#isQueued = false;
      this.#residence.touch();
    }
    await this.#untilAbortedIfClosed();
    this.#hasPermit = true;
    if (!this.#hasStarted) super.writeLog(EVENT.start, null, null, {});
    await this.#enter(STATUS.running);
  }

  /** Throw if the instance is paused. */
  async #awaitPermit(permit) {
    await this.ctx.storage.delete(WAITS);
    await this.#untilAbortedIfClosed();
    this.#isKnown = true;
    if (await this.#call('acquire')) this.grant();
    else {
      await this.#enterUnlessPaused(STATUS.queued);
      this.#isQueued = true;
    }
    await permit;
    await this.#throwIfPaused();
  }

  async #enterUnlessPaused(status) {
    await this.#throwIfPaused();
    await this.#enter(status);
  }

  async #throwIfPaused() {
    if (PAUSE.includes(await this.getStatus())) throw new Error(PAUSE_REASON);
  }

  /** Called by the platform when a queued instance, or one whose wait has ended in the meantime, may run. */
  async grantPermit() {
    if (this.#request) this.grant();
    else if (!this.#isActive) await this.#start({ hasPermit: true });
    else if (!this.#hasPermit) this.#returnPermit();
  }

  grant() {
    this.#residence.touch();
    this.#permit?.resolve();
  }

  /** The instance does not need the permit that the platform has given it. */
  #returnPermit() {
    this.#isKnown = true;
    this.#release();
  }

  /** Continue an instance that does nothing in this process: where it was, or pause it if it was about to. */
  async revive() {
    if (!this.#isActive) await this.#start({ hasPermit: false });
  }

  async #start({ hasPermit }) {
    const metadata = await this.ctx.storage.get(METADATA);
    const status = metadata && (await this.getStatus());
    if (metadata === undefined || FINAL.includes(status) || status === STATUS.paused) {
      if (hasPermit) this.#returnPermit();
      return;
    }
    await this.ctx.storage.put(STARTED, Date.now()); // the call fails if the instance cannot write
    if (hasPermit) await this.ctx.storage.delete(WAITS);
    const { accountId, workflow, version, instance, event } = metadata;
    void this.init(accountId, workflow, version, instance, event);
  }

  #release() {
    this.#hasPermit = false;
    if (this.#isKnown) void this.#call('release');
    this.#isKnown = false;
  }

  /** Call the platform, in order. */
  #call(operation, details) {
    const { WORKFLOW_NAME: workflow } = this.env;
    const request = { workflow, id: this.instanceId, object: this.#object, ...details };
    this.#lastCall = this.#lastCall.then(async () => {
      for (;;)
        try {
          return await this.#permits[operation](request);
        } catch (error) {
          console.error(`instance ${this.instanceId}: ${error.message}`);
          await scheduler.wait(RETRY_MILLISECONDS);
        }
    });
    return this.#lastCall;
  }

  /**
   * The process was killed because code used more CPU time than it may. The attempts that were running fail. Without any,
   * it was perhaps the code between steps: the second time, the instance fails. With `isFinal`, it fails the first time,
   * and steps are not retried.
   */
  exceedCpu(message, isFinal) {
    return this.#serve(() => this.#exceedCpu(message, isFinal));
  }

  async #exceedCpu(message, isFinal) {
    if (FINAL.includes(await this.getStatus())) return;
    const error = { name: 'Error', message };
    const attempts = this.#openAttempts();
    for (const attempt of attempts) await this.#failAttempt(attempt, error, isFinal);
    if (attempts.length > 0 || !(isFinal || (await this.#exceededCpuBefore()))) return;
    const { accountId, instance } = await this.ctx.storage.get(METADATA);
    super.writeLog(EVENT.failure, null, null, { error });
    await this.#store(accountId, instance.id, STATUS.errored);
  }

  /** The attempts that have started and not ended, with the configuration of their steps. */
  #openAttempts() {
    const query = `SELECT groupKey, target, metadata, (SELECT metadata FROM states WHERE groupKey = start.groupKey AND event = ?)
      AS step FROM states AS start WHERE event = ? AND NOT EXISTS
      (SELECT 1 FROM states WHERE groupKey = start.groupKey AND id > start.id)`;
    return this.ctx.storage.sql.exec(query, EVENT.stepStart, EVENT.attemptStart).toArray();
  }

  /** After the last attempt, the step throws the error when the instance continues. */
  async #failAttempt({ groupKey, target, metadata, step }, error, isFinal) {
    const { attempt } = JSON.parse(metadata);
    const { limit } = JSON.parse(step).config.retries;
    super.writeLog(EVENT.attemptFailure, groupKey, target, { attempt, error });
    if (!isFinal && (limit === null || attempt <= limit)) return;
    super.writeLog(EVENT.stepFailure, groupKey, target, {});
    await this.ctx.storage.put(`${groupKey}-error`, new Error(error.message));
  }

  /** Whether no step has started or ended since the last time. */
  async #exceededCpuBefore() {
    const query = 'SELECT max(id) AS last FROM states WHERE groupKey IS NOT NULL';
    const last = this.ctx.storage.sql.exec(query).one().last ?? 0;
    const before = await this.ctx.storage.get(EXCEEDED_AFTER);
    await this.ctx.storage.put(EXCEEDED_AFTER, last);
    return before === last;
  }

  get #hasStarted() {
    const query = 'SELECT 1 FROM states WHERE event = ? LIMIT 1';
    return this.ctx.storage.sql.exec(query, EVENT.start).toArray().length > 0;
  }

  #enter(status) {
    return this.#store(this.accountId, this.instanceId, status);
  }

  /** A final status stays, and a closed object can only become terminated. */
  async #store(accountId, instanceId, status) {
    if (this.#hasEnded || (this.#isClosed && status !== STATUS.terminated)) return;
    this.#hasEnded = FINAL.includes(status);
    await super.setStatus(accountId, instanceId, status);
  }

  /** The engine starts an instance immediately, and calls this in transactions, in which it must not wait for the platform. */
  async setStatus(accountId, instanceId, status) {
    if (status === STATUS.running && !this.#hasPermit) return;
    await this.#store(accountId, instanceId, status);
    if (!ACTIVE.includes(status)) this.#release();
  }

  /** The instance starts when it gets its first permit. */
  writeLog(event, ...details) {
    this.#residence.touch();
    if (WAIT_ENDS.includes(event)) this.#isReplaying = false;
    if (event === EVENT.start) return;
    const [group, target, metadata] = details;
    if (event === EVENT.waitComplete) this.forgetEvent(metadata.type);
    super.writeLog(event, group, target, this.#withShownType(event, metadata));
  }

  #withShownType(event, metadata) {
    const field = { [EVENT.waitStart]: 'event', [EVENT.waitComplete]: 'type' }[event];
    const shown = this.#shownTypes.get(metadata?.[field]);
    return shown === undefined ? metadata : { ...metadata, [field]: shown };
  }

  /** The engine ignores a pause of a queued instance. */
  async userTriggeredPause() {
    const request = this.#request;
    this.#permit?.reject(new Error(PAUSE_REASON));
    await request?.catch(() => undefined);
    const isQueued = request || (await this.getStatus()) === STATUS.queued;
    if (!isQueued || this.#hasPermit) return super.userTriggeredPause();
    await this.ctx.storage.put(PAUSED_AT, new Date());
    await this.setStatus(this.accountId, this.instanceId, STATUS.paused);
    this.pauseController.abort(PAUSE_REASON);
  }

  async attemptResume() {
    if (!this.#isClosed) await super.attemptResume();
  }

  /** The engine ignores a resume while the code of a paused instance is ending, and could run the code twice. */
  async init(...details) {
    this.#residence.touch();
    if (await this.ctx.storage.get(ROLLS_BACK)) {
      if (!this.#isClosed) await this.userTriggeredTerminate({ rollback: true });
      return;
    }
    this.#mustRun = true;
    if (this.#isActive) return;
    this.#isActive = true;
    try {
      while (this.#mustRun && !this.#isClosed) {
        this.#mustRun = false;
        await super.init(...details);
      }
    } finally {
      this.#isActive = false;
    }
  }

  async userTriggeredTerminate(options) {
    if (this.#hasEnded) throw new Error(CANNOT_TERMINATE);
    this.#isClosed = true;
    if (options?.rollback) await this.ctx.storage.put(ROLLS_BACK, true);
    return super.userTriggeredTerminate(options);
  }

  async userTriggeredRestart() {
    this.#isClosed = true;
    return super.userTriggeredRestart();
  }

  /** An object without an instance stays open, because its id can still be used. */
  async deleteInstance() {
    this.#isClosed ||= await this.hasInstance();
    this.#release();
    return super.deleteInstance();
  }

  /** Nothing is sent afterwards. A closed object is only aborted for the reason for which it was closed. */
  async abort(reason) {
    if (this.#isClosed && !CLOSED.test(reason)) return;
    await this.#lastCall;
    this.#residence.end();
    return super.abort(reason);
  }

  receiveEvent(event) {
    return this.#serve(() => super.receiveEvent(event));
  }

  changeInstanceStatus(...change) {
    return this.#serve(() => super.changeInstanceStatus(...change));
  }

  attemptRestart() {
    return this.#serve(async () => {
      await this.ctx.storage.delete([WAITS, ROLLS_BACK]);
      return super.attemptRestart();
    });
  }

  subscribe(options) {
    return this.#serve(() => super.subscribe(options));
  }

  /**
   * The engine finds a sleep by its name and duration, and refuses moments in the past. So that it finds the sleep in a
   * replay, it gets the duration of the first time; after a restart, the log no longer has the sleep.
   */
  async #sleepUntil(step, { name, moment, count }) {
    if (this.#clock) return step.sleepUntil(name, moment);
    const key = `${SLEEP_UNTIL}\n${count}\n${name}`;
    const before = await this.ctx.storage.get(key);
    const duration = this.#hasSlept(before) ? before : Number(moment) - Date.now();
    if (!(duration >= 0)) return step.sleepUntil(name, moment);
    await this.ctx.storage.put(key, duration);
    return step.sleep(name, duration);
  }

  #hasSlept(duration) {
    const query = `SELECT 1 FROM states WHERE event = ? AND json_extract(metadata, '$.durationMs') = ?`;
    return (
      duration !== undefined &&
      this.ctx.storage.sql.exec(query, EVENT.sleepStart, duration).toArray().length > 0
    );
  }
}

/** The steps of an instance, as its code calls them. */
class LimitedStep extends RpcTarget {
  #step;
  #engine;
  /** How often the code has slept until a moment, by name. */
  #counts = new Map();

  constructor(step, engine) {
    super();
    this.#step = step;
    this.#engine = engine;
  }

  do(...args) {
    return this.#engine.during(() => this.#step.do(...args));
  }

  sleep(...args) {
    return this.#engine.during(() => this.#step.sleep(...args));
  }

  sleepUntil(name, moment) {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return this.#engine.during(() => this.#engine.sleepUntil({ name, moment, count }));
  }

  waitForEvent(...args) {
    return this.#engine.during(() => this.#step.waitForEvent(...args));
  }
}

// The steps of a test run: pinned ones return or throw what the plan says, and the run stops at the step that the plan names.

import { RpcTarget } from 'cloudflare:workers';
import { milliseconds } from './durations.mjs';

/** What the generated code adds to the name of a node's step. */
const LOOPS = / (?:\[\d+\])+$/;
const ATTEMPTS = /(?: \(attempt \d+\))+/;

export class TestStep extends RpcTarget {
  #step;
  #plan;
  #clock;
  #engine;
  /** How often a step with a pin was started, by its name in the plan. */
  #starts = new Map();

  constructor(step, { plan, clock, engine }) {
    super();
    this.#step = step;
    this.#plan = plan;
    this.#clock = clock;
    this.#engine = engine;
  }

  async do(name, ...args) {
    if (this.#plan.until !== null && plainName(name) === this.#plan.until) await this.#engine.stop();
    const pin = this.#pinOf(name);
    const replaced = pin ? pinnedArguments(args, pin) : args;
    return this.#clock.run(() => this.#step.do(name, ...replaced));
  }

  sleep(name, duration) {
    return this.#clock.run(() => this.#step.sleep(name, duration));
  }

  sleepUntil(name, time) {
    return this.#clock.run(() => this.#step.sleepUntil(name, time));
  }

  async waitForEvent(name, options) {
    const pin = this.#pinOf(name);
    if (!pin) return this.#clock.run(() => this.#step.waitForEvent(name, options));
    const type = `pinned-${name}`;
    await this.#engine.pinWait(name, { type, shownAs: options.type, ...pin });
    const event = await this.#clock.run(() => this.#step.waitForEvent(name, { ...options, type }));
    return { ...event, type: options.type };
  }

  /** The pin of a step. Of several results, the n-th time gets the n-th, and later ones get the last. */
  #pinOf(name) {
    const { pins } = this.#plan;
    const key = [name, plainName(name)].find((each) => Object.hasOwn(pins, each));
    if (key === undefined) return undefined;
    const count = this.#starts.get(key) ?? 0;
    this.#starts.set(key, count + 1);
    const { results, ...pin } = pins[key];
    return results ? { ...pin, result: results[Math.min(count, results.length - 1)] } : pin;
  }
}

const plainName = (name) => name.replace(LOOPS, '').replace(ATTEMPTS, '');

/** A step that does none of its own work has nothing to undo. */
function pinnedArguments(args, pin) {
  const position = args.findIndex((argument) => typeof argument === 'function');
  const hasOwnWork = !('result' in pin) && pin.failures?.times != null;
  const options = hasOwnWork ? args.slice(position + 1) : [];
  return [...args.slice(0, position), pinned(args[position], pin), ...options];
}

/** The first attempts fail if the pin says so; afterwards the step returns the pinned result, or runs its own code. */
function pinned(callback, { failures, ...pin }) {
  return async (context, ...rest) => {
    if (failures && context.attempt <= (failures.times ?? Infinity)) throw failure(failures, context);
    return 'result' in pin ? pin.result : callback(context, ...rest);
  };
}

function failure({ message, final: isFinal }, { config }) {
  if (message === null) return timeoutError(config.timeout);
  return Object.assign(new Error(message), isFinal && { name: 'NonRetryableError' });
}

/** The engine's own error for an attempt that takes too long. */
function timeoutError(timeout) {
  const error = new Error(`Execution timed out after ${milliseconds(timeout)}ms`);
  error.name = 'WorkflowTimeoutError';
  return error;
}

// Cloudflare's limits for runs that the local Workflows engine does not have. This module runs in the Workers, in front of
// their Workflow classes and of their bindings to Workflows.

import { milliseconds } from './workflow-durations.js';

const MAX_BYTES = 2 ** 20;
const MAX_SLEEP_DAYS = 365;
const MAX_RETRIES = 10_000;
const MAX_NAME_LENGTH = 256;
const EVENT_TYPE = /^[a-zA-Z0-9_][a-zA-Z0-9_-]{0,99}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: names must not have any
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

const DAY = 86_400_000;

/** Hold a Workflow class to the limits. Without a class there is nothing to do. */
export function limitClass(workflow) {
  const run = workflow?.prototype?.run;
  if (typeof run !== 'function') return;
  workflow.prototype.run = function (event, step) {
    return run.call(this, event, new Proxy(step, { get: limitedMethod }));
  };
}

/** Hold what is sent through a binding to a Workflow to the limits. All bindings of a Worker share their methods. */
export function limitBinding(binding) {
  const methods = binding && Object.getPrototypeOf(binding);
  if (!methods || Object.hasOwn(methods, LIMITED)) return;
  methods[LIMITED] = true;
  const { create, createBatch, get } = methods;
  methods.create = async function (options) {
    checkPayload(options?.params);
    return limitInstance(await create.call(this, options));
  };
  methods.createBatch = async function (options) {
    const all = Array.isArray(options) ? options : (options?.instances ?? [options]);
    for (const instance of all) checkPayload(instance?.params);
    checkSize(
      all.reduce((total, instance) => total + sizeOf(instance?.params), 0),
      'Workflow batch',
    );
    return createBatch.call(this, options);
  };
  methods.get = async function (id) {
    return limitInstance(await get.call(this, id));
  };
}

const LIMITED = Symbol('limited');

function limitInstance(instance) {
  const methods = Object.getPrototypeOf(instance);
  if (Object.hasOwn(methods, LIMITED)) return instance;
  methods[LIMITED] = true;
  const { sendEvent } = methods;
  methods.sendEvent = async function (event) {
    checkEventType(event?.type);
    checkPayload(event?.payload, 'Event');
    return sendEvent.call(this, event);
  };
  return instance;
}

const CHECKS = {
  do: (name, ...rest) => {
    checkRetries(name, rest[0]);
    const position = rest.findIndex((argument) => typeof argument === 'function');
    if (position >= 0) rest[position] = limitedCallback(rest[position]);
    return [name, ...rest];
  },
  sleep: (name, duration) => {
    checkName(name);
    checkSleep(name, milliseconds(duration));
    return [name, duration];
  },
  sleepUntil: (name, time) => {
    checkName(name);
    checkSleep(name, Number(time) - Date.now());
    return [name, time];
  },
  waitForEvent: (name, options) => {
    checkName(name);
    checkEventType(options?.type);
    return [name, options];
  },
};

function limitedMethod(step, name) {
  const method = step[name];
  if (!Object.hasOwn(CHECKS, name)) return typeof method === 'function' ? method.bind(step) : method;
  return async (...args) => step[name](...CHECKS[name](...args));
}

/** A result that is too large fails the attempt, which is retried like any other. */
function limitedCallback(callback) {
  return async (context, ...rest) => {
    const result = await callback(context, ...rest);
    if (!(result instanceof ReadableStream) && sizeOf(result) > MAX_BYTES) {
      const { name, count } = context.step;
      throw failure(
        'WorkflowInternalError',
        `Step ${name}-${count} output is too large. Maximum allowed size is 1MiB.`,
      );
    }
    return result;
  };
}

function checkRetries(name, config) {
  if (config?.retries?.limit > MAX_RETRIES)
    throw failure(
      'WorkflowFatalError',
      `Step config for "${name}" is in a invalid format: it has more than ${MAX_RETRIES} retries. See ` +
        'https://developers.cloudflare.com/workflows/build/sleeping-and-retrying/',
    );
}

/** The engine itself checks only the names of steps. */
function checkName(name) {
  if (name.length > MAX_NAME_LENGTH || CONTROL_CHARACTER.test(name))
    throw failure(
      'WorkflowFatalError',
      `Step name "${name}" exceeds max length (${MAX_NAME_LENGTH} chars) or invalid characters found`,
    );
}

function checkSleep(name, duration) {
  if (duration > MAX_SLEEP_DAYS * DAY)
    throw failure('WorkflowFatalError', `The sleep "${name}" is longer than ${MAX_SLEEP_DAYS} days`);
}

function checkEventType(type) {
  if (typeof type !== 'string' || !EVENT_TYPE.test(type))
    throw failure(
      'WorkflowError',
      `Event type "${type}" exceeds max length (100 chars) or invalid characters found`,
    );
}

function checkPayload(payload, what = 'Workflow instance') {
  checkSize(sizeOf(payload), what);
}

function checkSize(size, what) {
  if (size > MAX_BYTES)
    throw failure('WorkflowError', `${what} payload is too large. Maximum allowed size is 1MiB.`);
}

function failure(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}

const encoder = new TextEncoder();

/** The bytes of a value as JSON, and of its binary parts. Values that are not JSON are left to the engine. */
function sizeOf(value) {
  let binary = 0;
  const replace = (_, item) => {
    if (item instanceof ArrayBuffer || ArrayBuffer.isView(item)) {
      binary += item.byteLength;
      return null;
    }
    if (item instanceof Map || item instanceof Set) return [...item];
    return typeof item === 'bigint' ? String(item) : item;
  };
  try {
    const text = JSON.stringify(value, replace) ?? '';
    return binary + encoder.encode(text).byteLength;
  } catch {
    return 0;
  }
}

// The platform's settings, from environment variables.

import path from 'node:path';
import { readText } from './system/files.ts';

const IDLE_SECONDS = 50;
const START_SECONDS = 20;
const TEST_RUN_SECONDS = 3600;
const RETENTION_SECONDS = 60;
const INSTANCE_IDLE_SECONDS = 5;
/** Cloudflare's limit on the paid plan. */
const CONCURRENT_INSTANCES = 50_000;

export interface Settings {
  port: number;
  state: string;
  account: string;
  token: string;
  /** Hosts of AwaitStep itself, on which no Worker is served. */
  reservedHosts: string[];
  /** A group without requests and work to do is stopped after this time. */
  idleMilliseconds: number;
  /** A Worker that takes longer to start is not deployed. */
  startMilliseconds: number;
  /** How many Workflow instances of the account run at the same time; others are queued. */
  concurrentInstances: number;
  /** The Worker of a test run is removed after this time. */
  testRunMilliseconds: number;
  /** How often instances that have been kept long enough are deleted. */
  retentionMilliseconds: number;
  /** Serve the calls of test_control/. */
  testControl: boolean;
  /** The origins on loopback that tests have in place of origins of the Internet. */
  testOrigins: Record<string, string>;
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const token = readText(required(env, 'LOCAL_CLOUDFLARE_TOKEN_FILE'))?.trim();
  if (!token) throw new Error('LOCAL_CLOUDFLARE_TOKEN_FILE must be the path of a file that contains a token');
  return {
    port: number(env, 'LOCAL_CLOUDFLARE_PORT', 8788),
    state: path.resolve(required(env, 'LOCAL_CLOUDFLARE_STATE')),
    account: required(env, 'LOCAL_CLOUDFLARE_ACCOUNT_ID'),
    token,
    reservedHosts: (env.LOCAL_CLOUDFLARE_RESERVED_HOSTS ?? '').toLowerCase().split(',').filter(Boolean),
    idleMilliseconds: 1000 * number(env, 'LOCAL_CLOUDFLARE_IDLE_SECONDS', IDLE_SECONDS),
    startMilliseconds: 1000 * number(env, 'LOCAL_CLOUDFLARE_START_SECONDS', START_SECONDS),
    concurrentInstances: number(env, 'LOCAL_CLOUDFLARE_CONCURRENT_INSTANCES', CONCURRENT_INSTANCES),
    testRunMilliseconds: 1000 * number(env, 'LOCAL_CLOUDFLARE_TEST_RUN_SECONDS', TEST_RUN_SECONDS),
    retentionMilliseconds: 1000 * number(env, 'LOCAL_CLOUDFLARE_RETENTION_SECONDS', RETENTION_SECONDS),
    testControl: env.LOCAL_CLOUDFLARE_TEST_CONTROL === '1',
    testOrigins: JSON.parse(env.LOCAL_CLOUDFLARE_TEST_ORIGINS ?? '{}'),
  };
}

/** An instance that does nothing for this time leaves memory. The engine's modules read it before there are settings. */
export const instanceIdleMilliseconds = (env: NodeJS.ProcessEnv): number =>
  1000 * number(env, 'LOCAL_CLOUDFLARE_INSTANCE_IDLE_SECONDS', INSTANCE_IDLE_SECONDS);

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

function number(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const value = Number(env[name] ?? fallback);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name} must be a number`);
  return value;
}

// Starts the embedded platform: Cloudflare's v4 API on loopback, and the Workers deployed to it, in the real workerd.

import path from 'node:path';
import { makeApi } from './api/api.ts';
import { Groups } from './groups/groups.ts';
import { Instances } from './instances/instances.ts';
import { RetentionSweeper } from './instances/retention.ts';
import { Mailbox } from './mail/mailbox.ts';
import { WorkerProxy } from './routing/proxy.ts';
import { Scheduler } from './schedules/scheduler.ts';
import { listen, portOf } from './server.ts';
import { readSettings, type Settings } from './settings.ts';
import { Account } from './state/account.ts';
import { Tokens } from './state/tokens.ts';
import { privateFolder, remove } from './system/files.ts';
import { Logs } from './system/logs.ts';
import { openFilesLimit, runningPid, writePidFile } from './system/processes.ts';
import { Tails } from './tails/tails.ts';
import { outboundTo } from './test_control/outbound.ts';
import { TestControl } from './test_control/test_control.ts';
import { TestRuns } from './test_runs/test_runs.ts';
import { AssetUploads } from './workers/assets.ts';
import { Permits } from './workflow_limits/permits.ts';

const SHUTDOWN_MILLISECONDS = 2000;
const POLL_MILLISECONDS = 20;
const MAX_RUNNING = 1000;
/** About five, and some for instances that are being created or that leave memory. */
const FILES_OF_RUN = 10;

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  await claimStateFolder(settings);
  const logs = new Logs(settings.state);
  const account = new Account(settings.account, path.join(settings.state, 'account'));
  const tails = new Tails();
  const mailbox = new Mailbox(settings.state);
  const limitOf = (workflow: string) => account.workflows.get(workflow)?.concurrency?.limit ?? Infinity;
  const permits = new Permits(settings.concurrentInstances, limitOf, capacity());
  const onOutbound = settings.testControl ? outboundTo(settings.testOrigins) : undefined;
  const groups = new Groups(account, settings, { logs, tails, mailbox, permits, onOutbound });
  const instances = new Instances(groups, settings.state);
  const scheduler = new Scheduler(account, groups, logs, (workflow, schedule) =>
    instances.createScheduled(workflow, schedule),
  );
  const retention = new RetentionSweeper(account, instances, logs);
  const onError = (error: Error) => logs.platformError(error.stack ?? error.message);
  logUncaughtErrors(onError);
  const testRuns = await TestRuns.open(settings, onError);
  closeOnExit(async () => {
    scheduler.close();
    retention.close();
    await Promise.all([groups.close(), testRuns.close()]);
  });
  await groups.open();
  const platform = {
    account,
    groups,
    instances,
    tails,
    mailbox,
    tokens: new Tokens(settings.token),
    assetUploads: new AssetUploads(account.assets),
  };
  const testControl = settings.testControl ? new TestControl() : undefined;
  const parts = {
    api: makeApi(platform, {
      onError,
      middleware: testControl?.middleware,
      extraRoutes: testControl?.routes(platform, scheduler),
    }),
    testRuns: testRuns.api,
    account,
    tails,
    proxy: new WorkerProxy(groups, scheduler, account),
    reservedHosts: settings.reservedHosts,
    onError,
  };
  const server = await listen(settings.port, parts);
  scheduler.open();
  retention.open(settings.retentionMilliseconds);
  void groups.resume();
  process.stdout.write(`${JSON.stringify({ ready: true, port: portOf(server) })}\n`);
}

/** How many instances can run at the same time. Each takes about half a megabyte, and its process has its files open. */
const capacity = (): number =>
  Math.max(1, Math.min(MAX_RUNNING, Math.floor(openFilesLimit() / FILES_OF_RUN)));

/** Only one process may use the folder. Wait a moment for another one to shut down. */
async function claimStateFolder({ state }: Settings): Promise<void> {
  process.umask(0o077);
  process.chdir(privateFolder(state));
  const pidFile = path.join(state, 'platform.pid');
  const deadline = Date.now() + SHUTDOWN_MILLISECONDS;
  for (let other = runningPid(pidFile); other !== undefined; other = runningPid(pidFile)) {
    if (Date.now() > deadline)
      throw new Error(`Another embedded platform (process ${other}) already runs on ${state}.`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
  writePidFile(pidFile);
  useOwnTemporaryFolder(path.join(state, 'tmp'));
}

/** Also removes files that a crash left there. */
function useOwnTemporaryFolder(folder: string): void {
  remove(folder);
  process.env.TMPDIR = privateFolder(folder);
}

/** An error in one group must not stop the others. */
function logUncaughtErrors(onError: (error: Error) => void): void {
  process.on('unhandledRejection', (reason) => onError(asError(reason)));
  process.on('uncaughtException', onError);
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

/** Standard input is closed when the parent process ends. */
function closeOnExit(close: () => Promise<void>): void {
  let isClosing = false;
  const end = (): void => {
    if (isClosing) return;
    isClosing = true;
    void close().finally(() => process.exit(0));
  };
  process.stdin.on('end', end).on('close', end).on('error', end).resume();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
}

function messageOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'EADDRINUSE') return message;
  const port = process.env.LOCAL_CLOUDFLARE_PORT;
  return `Port ${port} is in use: stop the process that uses it, or set another AWAITSTEP_LOCAL_CLOUDFLARE_PORT.`;
}

main().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(1);
});

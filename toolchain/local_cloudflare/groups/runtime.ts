// The workerd process of a group, run through Miniflare.

import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Log, LogLevel, Miniflare, type MiniflareOptions } from 'miniflare';
import { controlWorker, type TailHandler, withOutbound, withTail } from '../control_worker/definition.ts';
import { CONTROL } from '../control_worker/miniflare_plugins.ts';
import { ApiError } from '../http/errors.ts';
import { privateFolder } from '../system/files.ts';
import type { LogLine } from '../system/logs.ts';
import { cpuMilliseconds, killByPidFile, runningPid, setprivPath } from '../system/processes.ts';
import type { Usage } from './cpu_watch.ts';

process.env.WORKERD_PATH = workerdPath();
process.env.WORKERD_SETPRIV = setprivPath();
process.env.MINIFLARE_WORKERD_PATH = path.join(import.meta.dirname, 'workerd.sh');

const MISSING_CLASS = /class "?([^"\s]+)"?, but no such Durable Object class is exported/;
const MISSING_CLASS_CODE = 10064;

export type WorkerOptions = MiniflareOptions['workers'][number];

export interface RuntimeSettings {
  folder: string;
  workers: WorkerOptions[];
  /** Bindings of the group's resources, by node. */
  resources: Record<string, object>;
  startMilliseconds: number;
  onLog: (line: LogLine) => void;
  onTail: TailHandler;
  onMail: TailHandler;
  onPermit: TailHandler;
  /** Answers the requests that the Workers make; if missing, they are sent. */
  onOutbound?: TailHandler;
  onRestart: () => void;
}

interface ControlResult<T> {
  result: T;
  error?: string;
  status: ApiError['status'];
  code?: number;
}

/** The Workers did not start; the message is workerd's, or Cloudflare's with its code. */
export class StartError extends Error {
  readonly code: number | undefined;

  constructor(message: string, code?: number) {
    super(message);
    this.code = code;
  }
}

/** The process was ended because code used more CPU time than it may. */
export class ExceededCpu extends Error {}

export class Runtime {
  /** The Unix socket on which workerd listens. Only this user can open it, and no browser or Worker can. */
  readonly socketPath: string;
  readonly #miniflare: Miniflare;
  readonly #secret: string;
  readonly #pidFile: string;
  /** Why the process was killed, for the requests that were waiting for it. */
  exceededCpu: ExceededCpu | undefined;

  private constructor(miniflare: Miniflare, socketPath: string, secret: string, pidFile: string) {
    this.#miniflare = miniflare;
    this.socketPath = socketPath;
    this.#secret = secret;
    this.#pidFile = pidFile;
  }

  static async start(settings: RuntimeSettings): Promise<Runtime> {
    const pidFile = pidFileOf(settings.folder);
    await killByPidFile(pidFile);
    privateFolder(settings.folder);
    const secret = randomBytes(32).toString('hex');
    const output: string[] = [];
    const miniflare = createMiniflare(settings, secret, pidFile, output);
    try {
      await withTimeout(settings.startMilliseconds, miniflare.ready);
      checkClasses(output);
      output.length = 0;
      return new Runtime(miniflare, socketPathOf(settings.folder), secret, pidFile);
    } catch (error) {
      await miniflare.dispose().catch(() => undefined);
      await killByPidFile(pidFile);
      throw error instanceof StartError ? error : new StartError(startFailure(output, error));
    }
  }

  /** The headers that send a request to the control Worker. */
  get controlHeaders(): Record<string, string> {
    return { 'x-control': this.#secret, 'mf-route-override': CONTROL };
  }

  /** The CPU time of the process; undefined if it is not running. */
  get usage(): Usage | undefined {
    const pid = runningPid(this.#pidFile);
    const milliseconds = pid === undefined ? undefined : cpuMilliseconds(pid);
    return pid === undefined || milliseconds === undefined ? undefined : { pid, milliseconds };
  }

  /** Return once the process has time for it. */
  async ping(): Promise<void> {
    await this.control('process:', 'ping');
  }

  /** Kill the process, which may be too busy to be stopped, so that nothing waits for it any longer. */
  async kill(reason: ExceededCpu): Promise<void> {
    this.exceededCpu = reason;
    await killByPidFile(this.#pidFile);
  }

  /** Return when workerd has ended. */
  async stop(): Promise<void> {
    await this.#miniflare.dispose().catch(() => undefined);
    await killByPidFile(this.#pidFile);
  }

  /** Send a request to workerd, and return its response. */
  async send(options: http.RequestOptions, body = ''): Promise<{ status: number | undefined; text: string }> {
    const response = await this.stream(options, body);
    return { status: response.statusCode, text: await text(response) };
  }

  /** Send a request to workerd, and return its response before its body has arrived. */
  stream(options: http.RequestOptions, body: Readable | string): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = http.request({ ...options, socketPath: this.socketPath, agent: false });
      request.once('response', resolve);
      request.once('error', (error) => reject(this.exceededCpu ?? error));
      if (typeof body === 'string') return void request.end(body);
      body.once('error', (error) => request.destroy(error));
      body.pipe(request);
    });
  }

  /** Call an operation of the control Worker; throws an ApiError if its error has one of Cloudflare's codes. */
  async control<T>(node: string, operation: string, options: object = {}): Promise<T> {
    const body = JSON.stringify({ ...options, node, operation });
    const response = await this.send({ method: 'POST', headers: this.controlHeaders }, body);
    const { result, error, status, code } = JSON.parse(response.text) as ControlResult<T>;
    if (error === undefined) return result;
    throw code === undefined ? new Error(error) : new ApiError(status, code, error);
  }
}

export function pidFileOf(folder: string): string {
  return path.join(folder, 'workerd.pid');
}

/** Relative to the working directory, which is the state folder: the path of a socket has at most 103 bytes. */
function socketPathOf(folder: string): string {
  return path.relative(process.cwd(), path.join(folder, 'workerd.sock'));
}

function createMiniflare(
  settings: RuntimeSettings,
  secret: string,
  pidFile: string,
  output: string[],
): Miniflare {
  const options: MiniflareOptions = {
    host: '127.0.0.1',
    port: 0,
    cf: false, // otherwise Miniflare fetches it from the internet
    telemetry: { enabled: false },
    enableDevRegistry: false,
    log: new Log(LogLevel.NONE),
    logRequests: false,
    resourcePersistencePath: settings.folder,
    unsafeTriggerHandlers: true,
    unsafeRuntimeEnv: { WORKERD_PID_FILE: pidFile, WORKERD_SOCKET: socketPathOf(settings.folder) },
    unsafeHandleRuntimeRestart: async () => settings.onRestart(),
    handleStructuredLogs: (line: LogLine) => {
      output.push(line.message);
      settings.onLog(line);
    },
    workers: [...workersOf(settings), controlWorker({ ...settings, secret }) as WorkerOptions],
  };
  return new Miniflare(options);
}

function workersOf({ workers, onOutbound }: RuntimeSettings): WorkerOptions[] {
  const tailed = workers.map(withTail);
  return onOutbound ? tailed.map(withOutbound) : tailed;
}

async function withTimeout<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `Script startup exceeded the limit of ${milliseconds / 1000} seconds.`;
    timer = setTimeout(() => reject(new Error(message)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** workerd only warns if the code lacks the class of a Durable Object. */
function checkClasses(output: string[]): void {
  const [, name] = output.map((line) => MISSING_CLASS.exec(line)).find((match) => match !== null) ?? [];
  if (name !== undefined)
    throw new StartError(
      `New version of script does not export class '${name}' which is depended on by existing Durable Objects. If ` +
        "you want to delete the class's existing Durable Objects, use a 'deleted_classes' migration.",
      MISSING_CLASS_CODE,
    );
}

/** What workerd reported about the Workers' own code, without the errors that follow from it. */
function startFailure(output: string[], error: unknown): string {
  const uncaught = output.filter((message) => message.includes('Uncaught'));
  const lines = uncaught.length > 0 ? uncaught : output;
  const text = lines.map((line) => line.replace(/^service core:user:\S+: /, '')).join('\n');
  return text || (error instanceof Error ? error.message : String(error));
}

function workerdPath(): string {
  return createRequire(import.meta.url)('workerd').default;
}

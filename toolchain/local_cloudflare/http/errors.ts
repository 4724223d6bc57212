// The errors of Cloudflare's API. Clients look at the status and the code.

import type { ContentfulStatusCode } from 'hono/utils/http-status';

export class ApiError extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: number;

  constructor(status: ContentfulStatusCode, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const malformedAuthorization = () =>
  new ApiError(400, 6003, 'Invalid request headers: the Authorization header is missing or malformed');
export const invalidAccessToken = () => new ApiError(403, 9109, 'Invalid access token');
export const userAccessDenied = () => new ApiError(403, 9109, 'Unauthorized to access requested resource');
export const notThisKindOfToken = () => new ApiError(401, 1000, 'Invalid API Token');
export const notAuthorized = () => new ApiError(403, 10000, 'Authentication error');
/** The embedded platform's own code, because clients take a 404, or one of Cloudflare's codes, for a missing object. */
const UNSUPPORTED_CALL = 99501;
export const unsupportedCall = (method: string, path: string) =>
  new ApiError(501, UNSUPPORTED_CALL, `The embedded platform does not support the call ${method} ${path}`);
/** The embedded platform supports the call, but not this part of it. */
export const unsupported = (message: string) => new ApiError(501, UNSUPPORTED_CALL, message);
export const unknownPath = (path: string) =>
  new ApiError(
    404,
    7003,
    `Could not route to ${path}: the embedded platform serves Cloudflare's API at /client/v4`,
  );
export const unknownAccount = (id: string) =>
  new ApiError(404, 7003, `Could not route to /accounts/${id}, perhaps your object identifier is invalid?`);

export const noSuchService = (name: string) =>
  new ApiError(404, 10090, `This service does not exist: no Worker is called "${name}"`);
export const noSuchWorker = (name: string) =>
  new ApiError(404, 10007, `This Worker does not exist on your account: "${name}"`);
export const noSuchVersion = (id: string) => new ApiError(404, 10192, `Version not found: "${id}"`);
export const noVersions = () =>
  new ApiError(404, 10222, 'This Worker has no versions: upload a version before you change a secret');
export const invalidWorkerName = (name: string) =>
  new ApiError(
    400,
    10016,
    `"${name}" is not a Worker name: use lowercase letters, digits, "-" and "_", at most 63 characters`,
  );
export const invalidUpload = (message: string) => new ApiError(400, 10021, message);
export const startFailed = (message: string, code = 10021) => new ApiError(400, code, message);
export const invalidAssets = (message: string) => new ApiError(400, 10021, message);
export const invalidAssetsToken = () =>
  new ApiError(401, 10000, 'The upload token for static files is not valid, or has expired');
export const migrationFailed = (code: number, message: string) => new ApiError(400, code, message);
export const missingBinding = (code: number, message: string) => new ApiError(400, code, message);
export const noSuchSecret = (name: string) => new ApiError(404, 10056, `Binding "${name}" not found`);
export const newestNotDeployed = (code: number) =>
  new ApiError(400, code, 'The newest version of this Worker is not deployed: deploy it first');
export const workerInUse = (name: string, users: string[]) =>
  new ApiError(
    400,
    10064,
    `Worker "${name}" is used by ${users.map((user) => `"${user}"`).join(', ')}: to delete it anyway, use force`,
  );

export const consumesQueue = (name: string, queue: string) =>
  new ApiError(
    400,
    10064,
    `Cannot delete this Worker as it is a consumer for a Queue: "${name}" consumes the messages of "${queue}"`,
  );

export const noSuchTail = (id: string) => new ApiError(404, 10057, `Tail not found: "${id}"`);
export const tooManyTails = (name: string) =>
  new ApiError(400, 10058, `Worker "${name}" has reached its listener limit: disconnect one first`);

export const noSuchEmail = (id: string) => new ApiError(404, 10000, `Email not found: "${id}"`);

export const noSuchWorkflow = (name: string) =>
  new ApiError(404, 10200, `workflows.api.error.workflow.not_found: "${name}"`);
export const invalidWorkflowName = (name: string) =>
  new ApiError(400, 10201, `"${name}" is not a Workflow name`);
export const jurisdictionIsFixed = (name: string, jurisdiction: string | undefined) =>
  new ApiError(
    409,
    10209,
    `workflows.api.error.workflow.jurisdiction_immutable: "${name}" ` +
      (jurisdiction ? `has the jurisdiction "${jurisdiction}"` : 'has no jurisdiction'),
  );
export const noSuchInstance = (id: string) =>
  new ApiError(404, 10400, `workflows.api.error.instance.not_found: "${id}"`);
export const noSuchStep = (id: string, name: string) =>
  new ApiError(404, 10400, `workflows.api.error.step.not_found: "${name}" in instance "${id}"`);
export const instanceExists = (id: string) =>
  new ApiError(409, 10405, `workflows.api.error.instance.already_exists: "${id}"`);
export const invalidInstance = (message: string) => new ApiError(400, 10401, message);
/** Clients may try again, as the SDKs do by themselves. */
export const instanceIsBusy = () =>
  new ApiError(503, 10001, 'Another program has locked the file of this instance: try again in a moment');
export const workflowFailed = (message: string) => new ApiError(500, 10001, message);
export const workflowHasNoWorker = (name: string, script: string) =>
  new ApiError(409, 10200, `Workflow "${name}" has no Worker: "${script}" was deleted`);

export const noSuchNamespace = (id: string) =>
  new ApiError(404, 10013, `get namespace: 'namespace not found': "${id}"`);
export const noSuchKey = () => new ApiError(404, 10009, "get: 'key not found'");
export const noSuchDatabase = (id: string) =>
  new ApiError(404, 7404, `The database ${id} could not be found`);
export const queryFailed = (message: string) => new ApiError(400, 7500, message);
export const noSuchQueue = (id: string) => new ApiError(404, 11000, `Queue "${id}" does not exist.`);
export const invalidQueueName = (name: string) =>
  new ApiError(400, 11003, `Invalid queue name: ${name}. Must match ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`);
export const queueNameTaken = (name: string) =>
  new ApiError(
    409,
    11009,
    `Queue name '${name}' is already taken. Please use a different name and try again.`,
  );
export const queueInUse = (message: string) => new ApiError(400, 11005, message);
export const consumerExists = (queue: string, script: string) =>
  new ApiError(
    409,
    11004,
    `workers.api.error.consumer_exists: queue '${queue}' has the consumer "${script}", and can have only one`,
  );
export const noSuchConsumer = (id: string) =>
  new ApiError(404, 11008, `Queue consumer "${id}" does not exist.`);
export const invalidQueue = (message: string) => new ApiError(400, 10207, message);
export const noSuchBucket = (name: string) =>
  new ApiError(404, 10006, `The specified bucket does not exist: "${name}"`);
export const noSuchObject = () => new ApiError(404, 10007, 'The specified key does not exist.');
export const bucketNotEmpty = (name: string) =>
  new ApiError(
    409,
    10008,
    `The bucket you tried to delete is not empty: delete the objects of "${name}" first`,
  );
export const objectTooLarge = (limit: number) =>
  new ApiError(413, 100100, `An object that is uploaded through the API can have at most ${limit} bytes`);
export const nameTaken = (code: number, message: string) => new ApiError(400, code, message);
export const resourceInUse = (code: number, what: string, users: string[]) =>
  new ApiError(400, code, `${what} is bound to ${users.map((user) => `"${user}"`).join(', ')}`);
export const invalidBody = (message: string) => new ApiError(400, 10026, message);
export const notSupported = (message: string) => new ApiError(400, 10021, message);

export const noSubdomain = () =>
  new ApiError(404, 10007, 'This account has no workers.dev subdomain: register one first');
export const hasSubdomain = (name: string) =>
  new ApiError(409, 10036, `This account already has the workers.dev subdomain "${name}"`);
export const needsSubdomain = () =>
  new ApiError(403, 10063, 'You need a workers.dev subdomain in order to proceed: register one first');
export const subdomainIsFree = (name: string) =>
  new ApiError(404, 10032, `The workers.dev subdomain "${name}" is available`);

export const noSuchZone = (id: string) =>
  new ApiError(404, 7003, `Could not route to /zones/${id}, perhaps your object identifier is invalid?`);
export const zoneExists = (name: string) => new ApiError(400, 1061, `${name} already exists`);
export const invalidZoneName = (name: string) => new ApiError(400, 1097, `"${name}" is not a domain name`);
export const noSuchRecord = () => new ApiError(404, 81044, 'Record does not exist.');
export const invalidRecord = (message: string) => new ApiError(400, 1004, `DNS Validation Error: ${message}`);
export const identicalRecord = () => new ApiError(400, 81058, 'An identical record already exists.');
export const hostHasRecord = () =>
  new ApiError(400, 81053, 'An A, AAAA, or CNAME record with that host already exists.');
export const readOnlyRecord = (worker: string) =>
  new ApiError(
    400,
    1043,
    `This record belongs to a custom domain of the Worker "${worker}": delete the custom domain instead`,
  );

export const noSuchRoute = (id: string) => new ApiError(404, 10009, `Route not found: "${id}"`);
export const routeExists = (pattern: string) =>
  new ApiError(409, 10020, `A route with the same pattern already exists: "${pattern}"`);
export const routeHasNoWorker = (name: string) =>
  new ApiError(
    400,
    10019,
    `Cannot configure a route for a Worker which does not exist. Please ensure "${name}" exists and try again.`,
  );
export const invalidRoute = (message: string) => new ApiError(400, 10022, message);
export const noSuchDomain = (id: string) => new ApiError(404, 100114, `Custom domain not found: "${id}"`);
export const hostInUse = (hostname: string, worker: string) =>
  new ApiError(
    409,
    100116,
    `Hostname '${hostname}' is already in use by the Worker '${worker}'. Either remove it there, or use the ` +
      "option 'override_existing_origin' to override.",
  );
export const hostHasDns = (hostname: string) =>
  new ApiError(
    409,
    100117,
    `Hostname '${hostname}' already has externally managed DNS records (A, CNAME, etc). Delete them first or try ` +
      'a different hostname.',
  );
export const secretsChanged = (names: string[]) =>
  new ApiError(
    400,
    10220,
    'A secret has changed since this version was active. If you are sure this is ok, add a ?force=true query ' +
      `parameter to allow the rollback. The following secrets have changed: ${names.join(', ')}`,
  );

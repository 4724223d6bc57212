// The objects of an R2 bucket. Contents are streamed; everything else is an operation.

const METADATA = ['httpMetadata', 'customMetadata'];

export const R2 = {
  list: async (bucket, { options }) => {
    const { objects, delimitedPrefixes, ...page } = await bucket.list({ ...options, include: METADATA });
    return { objects: objects.map(toJson), prefixes: delimitedPrefixes, cursor: page.cursor };
  },
  delete: (bucket, { key }) => bucket.delete(key),
  usage: async (bucket) => {
    const usage = { objects: 0, bytes: 0 };
    for await (const { size } of all(bucket)) {
      usage.objects += 1;
      usage.bytes += size;
    }
    return usage;
  },
  isEmpty: async (bucket) => (await bucket.list({ limit: 1 })).objects.length === 0,
};

async function* all(bucket) {
  for (let cursor; ; ) {
    const page = await bucket.list({ cursor });
    yield* page.objects;
    if (!page.truncated) return;
    cursor = page.cursor;
  }
}

const toJson = ({ key, size, etag, uploaded, version, httpMetadata, customMetadata }) => ({
  key,
  size,
  etag,
  version,
  uploaded: uploaded.toISOString(),
  storage_class: 'Standard',
  http_metadata: httpMetadata,
  custom_metadata: customMetadata,
});

/** GET or PUT the contents of an object. Headers are those of the API's call. */
export async function serveObject(bucket, key, request) {
  try {
    return await (request.method === 'PUT' ? put : get)(bucket, key, request);
  } catch (error) {
    return Response.json({ error: error.message }, { status: 400 });
  }
}

async function put(bucket, key, { headers, body }) {
  const object = await bucket.put(key, body ?? '', { httpMetadata: headers });
  return Response.json(toJson(object));
}

async function get(bucket, key, { headers: conditions }) {
  const object = await bucket.get(key, { onlyIf: conditions, range: conditions });
  if (object === null) return new Response(null, { status: 404 });
  const headers = new Headers({ etag: object.httpEtag, 'last-modified': object.uploaded.toUTCString() });
  object.writeHttpMetadata(headers);
  if (object.body === undefined) return new Response(null, { status: 304, headers });
  const { offset, length } = partOf(object);
  headers.set('content-length', String(length));
  if (length === object.size) return new Response(object.body, { headers });
  headers.set('content-range', `bytes ${offset}-${offset + length - 1}/${object.size}`);
  return new Response(object.body, { status: 206, headers });
}

/** Which bytes the body of an object has. */
function partOf({ size, range = {} }) {
  if (range.suffix !== undefined) {
    const length = Math.min(range.suffix, size);
    return { offset: size - length, length };
  }
  const offset = range.offset ?? 0;
  return { offset, length: Math.min(range.length ?? size, size - offset) };
}

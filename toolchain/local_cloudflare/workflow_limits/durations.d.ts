/** A duration in milliseconds; other values than texts are returned as they are. */
export function milliseconds(duration: unknown): unknown;

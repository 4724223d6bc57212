// When something that must happen, such as the start of a group with work to do, is tried again: each time later.

export const FIRST_RETRY_MILLISECONDS = 5000;
const LAST_RETRY_MILLISECONDS = 600_000;

export const nextRetry = (milliseconds: number): number =>
  Math.min(2 * milliseconds, LAST_RETRY_MILLISECONDS);

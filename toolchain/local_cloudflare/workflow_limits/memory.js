// Decides when an instance leaves memory, in which it has several open files: when it has done nothing for a while, and has
// nothing to do for longer. Its file holds everything that it needs to continue, as after the end of a process.

/** Callers try again if an instance leaves memory before their call has reached it. */
export const UNLOADED = 'Aborting engine: The instance was unloaded';

/** With more instances in memory than this, they leave sooner. */
const CROWD = 200;
const CROWDED_MILLISECONDS = 500;

/** How many instances of the Workflow are in memory. */
let loaded = 0;

export class Residence {
  #isLoaded = true;
  #changes = 0;
  #seen = -1;

  /**
   * `canLeave` returns whether the instance has nothing to do, and `leave` stores what its next object needs. Nothing
   * happens to the instance in the meantime if it is aborted.
   */
  constructor(idleMilliseconds, { canLeave, leave, abort }) {
    loaded += 1;
    const isQuiet = () => this.#changes === this.#seen && canLeave();
    const check = async () => {
      if (!this.#isLoaded) return;
      if (isQuiet()) {
        await leave();
        if (isQuiet()) {
          this.end();
          abort();
          return;
        }
      }
      this.#seen = this.#changes;
      schedule();
    };
    const schedule = () => setTimeout(check, loaded > CROWD ? CROWDED_MILLISECONDS : idleMilliseconds);
    schedule();
  }

  /** Something has happened to the instance. */
  touch() {
    this.#changes += 1;
  }

  /** The instance leaves memory. */
  end() {
    if (this.#isLoaded) loaded -= 1;
    this.#isLoaded = false;
  }
}

/** A namespace whose objects can be called although they may be leaving memory: a call is then made again. */
export function withReloads(namespace) {
  const stubOf = (id) =>
    new Proxy(
      {},
      {
        get: (_, name) => {
          if (name === 'id') return id;
          return typeof name === 'string' && name !== 'then' ? call(namespace, id, name) : undefined;
        },
      },
    );
  return {
    idFromName: (name) => namespace.idFromName(name),
    idFromString: (text) => namespace.idFromString(text),
    get: stubOf,
  };
}

function call(namespace, id, method) {
  // This is the call that runs the instance, and ends when the instance leaves memory.
  if (method === 'init') return (...args) => namespace.get(id).init(...args);
  return async (...args) => {
    for (;;)
      try {
        return await namespace.get(id)[method](...args);
      } catch (error) {
        if (error?.message !== UNLOADED) throw error;
      }
  };
}

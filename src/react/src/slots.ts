/** Connections that all tabs together keep open to one server: of six two stay for everything else. */
const SLOTS = 4;

/** Gives a way to keep a connection open, where there is one left. */
export interface Slots {
  /** Return what gives the connection back; undefined where all are in use. */
  take(): Promise<(() => void) | undefined>;
}

/** The connections to the server at *base*, shared by the tabs of this origin through their locks. */
export function slotsOf(base: string, locks: LockManager | undefined): Slots {
  if (!locks) return { take: async () => () => {} };
  return {
    async take() {
      for (let n = 0; n < SLOTS; n += 1) {
        const release = await tryLock(locks, `runstreams ${base} connection ${n}`);
        if (release) return release;
      }
      return undefined;
    },
  };
}

function tryLock(locks: LockManager, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve) => {
    const hold = (lock: Lock | null) =>
      lock ? new Promise<void>((release) => resolve(release)) : resolve(undefined);
    // Where there may be none, nobody else can be asked.
    locks.request(name, { ifAvailable: true }, hold).catch(() => resolve(() => {}));
  });
}

import type { Status } from "./chunk.js";
import { StreamError } from "./errors.js";
import { itemOf, type Item } from "./items.js";
import { FOREVER, isHidden, onChange, pause } from "./pausing.js";
import type { ServerOptions } from "./requests.js";
import { RunConnection } from "./runConnection.js";
import { slotsOf } from "./slots.js";
import type { AccessToken } from "./token.js";
import { indexIn, isNothing, union, type Wanted } from "./wanted.js";

/** A reader of one stream of the run, or of all. */
export interface Member {
  accessToken?: AccessToken | undefined;
  /** Return what it wants at this moment, from where it is. */
  wanted: () => Wanted;
  /** Take what comes, of other streams as well, and some of it twice. */
  take: (items: Item[]) => void;
  /** Hear how it goes. */
  tell: (status: Status, error?: StreamError) => void;
}

/** What tabs tell one another. */
type Message =
  | { kind: "who" }
  | { kind: "want"; tab: string; wanted: Asked }
  | { kind: "items"; items: [text: string, from: number][] }
  | { kind: "status"; status: Status; error?: Failure | undefined; others: Map<string, Asked> };

/** What a tab wants, and how often it has said so. */
type Asked = Wanted & { n?: number };

type Failure = Pick<StreamError, "message" | "status" | "code">;

const NOTHING: Wanted = { streams: {}, all: false };

/**
 * Reads the streams of one run for all readers of this page, and of the other tabs of its origin: one
 * tab, which holds the lock, reads what anybody wants, and hands it on. When it goes, another one goes
 * on from where the readers are. Each tab reads for itself where there are no locks and channels.
 */
export class RunHub {
  readonly #name: string | undefined;
  readonly #run: string;
  readonly #server: ServerOptions;
  readonly #onEmpty: () => void;
  readonly #tab = Math.random().toString(36).slice(2);
  readonly #members = new Set<Member>();
  /** What other tabs want. */
  readonly #others = new Map<string, Asked>();
  #asked = 0;
  #session: AbortController | undefined;
  #watching: AbortController | undefined;
  #channel: BroadcastChannel | undefined;
  #connection: RunConnection | undefined;
  #status: Status = "connecting";

  /** Share under *name* with other tabs, if there is one; *onEmpty* is called when nobody reads. */
  constructor(name: string | undefined, run: string, server: ServerOptions, onEmpty: () => void) {
    this.#name = name;
    this.#run = run;
    const accessToken = () => this.#token();
    this.#server = { ...server, accessToken };
    this.#onEmpty = onEmpty;
  }

  /** Read for *member* until what is returned is called. */
  join(member: Member): () => void {
    this.#members.add(member);
    if (this.#members.size === 1) this.#begin();
    else if (this.#session) this.changed();
    else if (!isHidden()) this.#open(); // it had failed
    member.tell(isHidden() ? "waiting" : this.#status);
    return () => {
      this.#members.delete(member);
      if (this.#members.size) return this.changed();
      this.#watching?.abort();
      this.#close();
      this.#onEmpty();
    };
  }

  /** A member is elsewhere now than what came has led it to. */
  changed(): void {
    if (this.#connection?.changed() !== false) this.#status = "connecting";
    if (this.#connection) return;
    const wanted = { ...this.#mine(), n: (this.#asked += 1) };
    this.#post({ kind: "want", tab: this.#tab, wanted });
  }

  #mine(): Wanted {
    return union([...this.#members].map((member) => member.wanted()));
  }

  async #token(): Promise<string> {
    const [first] = this.#members;
    const token = first?.accessToken;
    return (typeof token === "function" ? await token() : token) ?? "";
  }

  #begin(): void {
    this.#watching = new AbortController();
    onChange(() => this.#rest(), this.#watching.signal);
    if (!isHidden()) this.#open();
  }

  /** Read only while the page can be seen: a hidden one may be put to sleep, and others wait for it. */
  #rest(): void {
    if (isHidden()) this.#close();
    if (isHidden()) this.#tell("waiting");
    else if (!this.#session) this.#open();
  }

  #open(): void {
    const { signal } = (this.#session = new AbortController());
    this.#status = "connecting";
    const locks = this.#name && globalThis.BroadcastChannel ? locksOf() : undefined;
    if (!locks) return this.#lead(signal);
    this.#channel = new BroadcastChannel(this.#name!);
    this.#channel.onmessage = ({ data }) => this.#hear(data as Message);
    const held = pause(FOREVER, signal);
    // Who holds this one is there: its end is noticed by who waits for it.
    const present = () => (this.changed(), held);
    locks.request(this.#lockOf(this.#tab), { signal }, present).catch(() => {});
    // A page without an origin, as in a sandbox, may have none: then it reads for itself.
    locks
      .request(`${this.#name} reader`, { signal }, () => (this.#lead(signal), held))
      .catch(() => this.#lead(signal));
  }

  #lead({ aborted }: AbortSignal): void {
    if (aborted) return;
    const { baseURL = "" } = this.#server;
    this.#connection = new RunConnection(
      this.#run,
      this.#server,
      () => union([this.#mine(), ...this.#others.values()]),
      slotsOf(baseURL, locksOf()),
      { onItems: (items) => this.#handOn(items), onStatus: (...said) => this.#sayOf(...said) },
    );
    this.#post({ kind: "who" });
  }

  #close(): void {
    if (!this.#connection) this.#post({ kind: "want", tab: this.#tab, wanted: NOTHING });
    this.#session?.abort();
    this.#session = undefined;
    this.#connection?.stop();
    this.#connection = undefined;
    this.#channel?.close();
    this.#channel = undefined;
    this.#others.clear();
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }

  #hear(message: Message): void {
    if (message.kind === "want") this.#note(message.tab, message.wanted);
    if (this.#connection) return;
    if (message.kind === "who") this.changed();
    if (message.kind === "items") this.#take(message.items.map((item) => itemOf(...item)));
    if (message.kind === "status") {
      const { status, error, others } = message;
      // An end is that of others, as long as the reader does not know what is wanted here.
      const isOurs = others.get(this.#tab)?.n === this.#asked;
      if (isOurs || (status !== "closed" && !error))
        this.#tell(status, error && new StreamError(error.message, error.status, error.code));
    }
  }

  /** Note what another tab wants, for as long as that is there. */
  #note(tab: string, wanted: Asked): void {
    const { signal } = this.#session!;
    if (!this.#connection) return;
    const isNew = !this.#others.has(tab);
    this.#others.set(tab, wanted);
    if (isNothing(wanted)) this.#others.delete(tab);
    else if (isNew) {
      const gone = () => {
        this.#others.delete(tab);
        this.#connection?.changed();
      };
      locksOf()
        ?.request(this.#lockOf(tab), { signal }, gone)
        .catch(() => {});
    }
    this.changed();
    this.#sendStatus();
  }

  #lockOf(tab: string): string {
    return `${this.#name} tab ${tab}`;
  }

  /** Hand on what has come, to other tabs as well, which are further by that. */
  #handOn(items: Item[]): void {
    if (items.length)
      this.#post({ kind: "items", items: items.map(({ text, from }) => [text, from]) });
    for (const wanted of this.#others.values()) items.forEach((item) => advance(wanted, item));
    this.#take(items);
  }

  #take(items: Item[]): void {
    this.#members.forEach((member) => member.take(items));
  }

  #sayOf(status: Status, error?: StreamError): void {
    if (status === this.#status && status !== "retrying") return;
    this.#status = status;
    this.#sendStatus(error);
    this.#tell(status, error);
    if (status === "failed") this.#close();
  }

  #sendStatus(error?: StreamError): void {
    const failure = error && { message: error.message, status: error.status, code: error.code };
    this.#post({ kind: "status", status: this.#status, error: failure, others: this.#others });
  }

  #tell(status: Status, error?: StreamError): void {
    this.#status = status;
    this.#members.forEach((member) => member.tell(status, error));
  }
}

/** Note in *wanted*, which is of another tab, how far *item* has brought it. */
function advance(wanted: Wanted, { key, said, from }: Item): void {
  const index = indexIn(wanted, key);
  if (said.next_index !== undefined && index !== null && from <= index)
    wanted.streams[key] = said.closed ? null : said.next_index;
}

const locksOf = (): LockManager | undefined => globalThis.navigator?.locks;

/** What is read by hubs, each shared by all readers of a run that ask with the same token. */
const hubs = new Map<string, RunHub>();

/** Return the hub of *run* for who asks with the token of this *name*: itself, or true for functions. */
export function hubOf(
  run: string,
  server: ServerOptions,
  token: string | true | undefined,
): RunHub {
  const { baseURL = "" } = server;
  const name = JSON.stringify([baseURL, run, token ?? null]);
  const found = hubs.get(name);
  if (found) return found;
  const hub: RunHub = new RunHub(sharedName(baseURL, run, token), run, server, () => {
    if (hubs.get(name) === hub) hubs.delete(name);
  });
  hubs.set(name, hub);
  return hub;
}

/** Return the name among tabs, in which a token is not to be read; none for what is no public token. */
function sharedName(
  base: string,
  run: string,
  token: string | true | undefined,
): string | undefined {
  const signature = typeof token === "string" ? token.split(".")[2] : `${token}`;
  return signature && `runstreams ${JSON.stringify([base, run, signature])}`;
}

/** A stream of bytes in a box of the page: read live, and shown as text or as numbers. */

import type { Api } from "./api.js";
import { HexSheet } from "./octets/hex.js";
import { HELD, Held } from "./octets/held.js";
import {
  ask,
  failed,
  isPassing,
  offsetOf,
  pathOf,
  type Bytes,
  type Failed,
} from "./octets/reading.js";
import { SHOWN, WordSheet } from "./octets/words.js";

export type Form = "text" | "hex";

/** What is told of it. */
export interface Progress {
  state: "live" | "retrying" | "closed" | "failed";
  error?: unknown;
  /** Bytes that were read. */
  read: number;
  /** Bytes of them that are shown at most. */
  shown: number;
}

/** Where a stream lies, and what is known of it. */
export interface Place {
  api: Api;
  run: string;
  key: string;
  contentType: string;
  /** The index to begin at. */
  first: number;
}

const PAUSE_MS = 1000;

/** Pixels from the end within which one follows it. */
const NEAR = 40;

export { HELD };

export class Octets {
  #held = new Held();
  #gone = new AbortController();
  #sheet: HexSheet | WordSheet;
  #form: Form = "hex";
  #frame = 0;
  #lastTop = 0;
  #progress: Progress = { state: "live", read: 0, shown: HELD };
  #observer = new ResizeObserver(() => this.#draw());

  constructor(
    private readonly place: Place,
    private readonly box: HTMLElement,
    private readonly tell: (progress: Progress) => void,
    /** Whether its end is kept in sight. */
    private isFollowing: boolean,
  ) {
    this.#sheet = new HexSheet(box, this.#held);
    box.addEventListener("scroll", this.#scrolled);
    this.#observer.observe(box);
    // Text that was never seen has a guessed height; it changes when it is.
    this.#observer.observe(box.firstElementChild!);
    void this.#read();
  }

  show(form: Form): void {
    this.#form = form;
    const { box, place } = this;
    this.#sheet =
      form === "hex"
        ? new HexSheet(box, this.#held)
        : new WordSheet(box, this.#held, place.contentType);
    this.#say({ shown: form === "hex" ? HELD : SHOWN });
    this.#draw();
  }

  stop(): void {
    this.#gone.abort();
    this.#observer.disconnect();
    cancelAnimationFrame(this.#frame);
    this.box.removeEventListener("scroll", this.#scrolled);
  }

  async #read(): Promise<void> {
    const { api, run, key, first } = this.place;
    const path = pathOf(run, key);
    let page: Pick<Bytes, "next" | "isAtTail" | "isClosed"> = {
      next: offsetOf(first),
      isAtTail: false,
      isClosed: false,
    };
    while (!(page.isClosed && page.isAtTail)) {
      try {
        await seen(this.#gone.signal);
        const found = await ask(api, path, page.next, page.isAtTail, this.#gone.signal);
        this.#held.append(found.bytes);
        this.#say({
          state: "live",
          error: undefined,
          read: this.#progress.read + found.bytes.length,
        });
        this.#draw();
        page = found;
      } catch (error) {
        if (this.#gone.signal.aborted) return;
        const why = known(error);
        this.#say({ state: isPassing(why) ? "retrying" : "failed", error: why });
        if (!isPassing(why)) return;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
    this.#say({ state: "closed" });
  }

  #say(change: Partial<Progress>): void {
    this.#progress = { ...this.#progress, ...change };
    this.tell(this.#progress);
  }

  #scrolled = (): void => {
    const { scrollTop, clientHeight, scrollHeight } = this.box;
    const isAtEnd = scrollTop + clientHeight >= scrollHeight - NEAR;
    if (isAtEnd && scrollTop > this.#lastTop) this.isFollowing = true;
    else if (scrollTop < this.#lastTop - 1 && !isAtEnd) this.isFollowing = false;
    this.#lastTop = scrollTop;
    if (this.#form === "hex") this.#draw();
  };

  #draw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#sheet.draw();
      if (!this.isFollowing) return;
      this.box.scrollTop = this.box.scrollHeight;
      this.#lastTop = this.box.scrollTop;
      this.#sheet.draw();
    });
  }
}

/** Return all that is there as a file, read again from index *first* on. *progress* is told the share of *tail* that is done. */
export async function whole(
  { api, run, key, contentType, first }: Place,
  tail: number,
  progress: (share: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const parts: Blob[] = [];
  let page: Bytes | undefined;
  while (!page?.isAtTail) {
    page = await ask(api, pathOf(run, key), page?.next ?? offsetOf(first), false, signal);
    parts.push(new Blob([page.bytes as Uint8Array<ArrayBuffer>]));
    progress(Math.min(1, Number(page.next.slice(0, 16)) / Math.max(1, tail)));
  }
  return new Blob(parts, { type: contentType });
}

/** Wait until the page can be seen: one that is hidden asks for nothing. */
async function seen(signal: AbortSignal): Promise<void> {
  while (document.hidden && !signal.aborted) {
    await new Promise((resolve) => {
      document.addEventListener("visibilitychange", resolve, { once: true, signal });
      signal.addEventListener("abort", resolve, { once: true });
    });
  }
}

const known = (error: unknown): Failed =>
  "status" in (error as Error) ? (error as Failed) : failed(0, "The server cannot be reached.");

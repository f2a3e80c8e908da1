/** Chunks as what they say: one text after another, with what was thought and called between them. */

import type { Kept } from "../chunks.js";
import { Joiner } from "../viewer/text.js";
import { Events, type Kind, type Said } from "./events.js";
import { valueAt } from "./path.js";

export interface Segment {
  kind: Kind;
  /** What is said of it before it is unfolded. */
  name: string;
  text: string;
}

/** How chunks are read. */
export interface Manner {
  /** Each chunk on a line of its own, as it was written. */
  isByLine: boolean;
  /** Where in a chunk its text is; empty: where its protocol has it. */
  path: string;
}

const NAMES: Record<Kind, string> = {
  text: "",
  reasoning: "Reasoning",
  tool: "Tool",
  error: "Error",
};

export class Answer {
  readonly segments: Segment[] = [];
  #events = new Events();
  #joiner: Joiner;
  #byKey = new Map<string, Segment>();
  #lastKey = "";

  constructor(private readonly manner: Manner) {
    this.#joiner = new Joiner(manner.isByLine);
  }

  /** Take the next chunk; tell *changed* of each segment that it adds to, and of what it adds. */
  take(chunk: Kept, changed: (segment: Segment, added: string) => void): void {
    const all = this.manner.isByLine ? undefined : this.#said(chunk);
    if (!all) return changed(this.#text(""), this.#joiner.join(chunk));
    for (const each of all) {
      const { kind, text } = each;
      if (kind === "text")
        changed(this.#text(each.key), this.#joiner.join({ ...chunk, text, isString: true }));
      else changed(this.#aside(each), text);
    }
  }

  /** What a chunk says, undefined where it is to be shown as it is. */
  #said(chunk: Kept): Said[] | undefined {
    try {
      return this.#read(chunk);
    } catch {
      // It calls itself an event, and is none that can be read.
      return undefined;
    }
  }

  #read({ text, isString }: Kept): Said[] | undefined {
    const { path } = this.manner;
    if (!path && (isString || !text.startsWith("{"))) return undefined;
    const value: unknown = isString ? text : JSON.parse(text);
    if (!path) return this.#events.read(value as Record<string, unknown>);
    const found = valueAt(value, path);
    if (found === undefined || found === null) return [];
    return [
      { kind: "text", key: "", text: typeof found === "string" ? found : JSON.stringify(found) },
    ];
  }

  /** The text that goes on, or another one where another *key* begins. */
  #text(key: string): Segment {
    const last = this.segments[this.segments.length - 1];
    if (last?.kind === "text" && this.#lastKey === key) return last;
    this.#lastKey = key;
    return this.#begun({ kind: "text", name: "", text: "" });
  }

  #aside({ kind, key, name }: Said): Segment {
    let segment = kind === "error" ? undefined : this.#byKey.get(key);
    if (!segment) {
      segment = this.#begun({ kind, name: name ?? NAMES[kind], text: "" });
      this.#byKey.set(key, segment);
    }
    return segment;
  }

  #begun(segment: Segment): Segment {
    this.segments.push(segment);
    this.#joiner = new Joiner(this.manner.isByLine);
    return segment;
  }
}

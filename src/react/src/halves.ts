/**
 * Letters beyond the first 65,536, such as 👍, are two halves in JavaScript, and whoever cuts a text by its
 * length may cut between them. What reads JSON elsewhere may not take a half.
 */
export class Halves {
  #first = "";

  /** Return *chunk* with the half before it, and keep back the one at its end for the text that follows. */
  join<T>(chunk: T): T | string {
    if (typeof chunk !== "string") return chunk;
    const text = this.#first + chunk;
    this.#first = /[\ud800-\udbff]$/.exec(text)?.[0] ?? "";
    return text.slice(0, text.length - this.#first.length);
  }

  /** Return what no text has followed, and forget it. */
  rest(): string {
    const first = this.#first;
    this.#first = "";
    return first;
  }
}

/** Return *chunk* as JSON, � in the place of halves that are alone; undefined when it is no JSON value. */
export function lineOf(chunk: unknown): string | undefined {
  const line = JSON.stringify(chunk) as string | undefined;
  // That is how JSON writes them; what looks like it may follow a backslash that is one.
  return line?.replace(/\\(ud[89a-f]..|.)/g, (all) => (all.startsWith("\\ud") ? "\ufffd" : all));
}

/** Numbers, times and names as people read them. */

const whole = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const day = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short" });

/** `12,345` */
export const count = (number: number): string => whole.format(number);

/** `1 chunk`, `2 chunks` */
export const counted = (number: number, noun: string): string =>
  `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** `640 B`, `1.2 KiB`, `64 MiB` */
export function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  return `${unit && bytes < 100 ? trim(bytes) : Math.round(bytes)} ${units[unit]}`;
}

/** A stretch of time with two or three digits that matter: `0 ms`, `1.25 s`, `3 m 20 s`, `5 d 3 h`. */
export function duration(ms: number): string {
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 9_995) return `${trim(ms / 1000, 2)} s`;
  if (ms < 59_950) return `${trim(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  for (const [unit, length, next, nextLength] of STEPS) {
    if (seconds < length) continue;
    const rest = Math.floor((seconds % length) / nextLength);
    return `${Math.floor(seconds / length)} ${unit}${rest ? ` ${rest} ${next}` : ""}`;
  }
  return `${seconds} s`;
}

const STEPS = [
  ["d", 86_400, "h", 3600],
  ["h", 3600, "m", 60],
  ["m", 60, "s", 1],
] as const;

/** How long ago *then* was, with one unit: `now`, `40 s ago`, `3 h ago`; `in 5 d` for the future. */
export function age(then: number, now: number): string {
  const seconds = Math.round(Math.abs(now - then) / 1000);
  if (seconds < 2) return "now";
  const [unit, length] = [...STEPS, ["s", 1] as const].find(([, length]) => seconds >= length)!;
  const span = `${Math.floor(seconds / length)} ${unit}`;
  return then <= now ? `${span} ago` : `in ${span}`;
}

/** A rate: `0`, `0.4`, `12`, `1,200` */
export function rate(perSecond: number): string {
  return perSecond < 10 ? trim(perSecond) : count(Math.round(perSecond));
}

/** `14:03:07.120` in the reader's own time zone */
export function time(ms: number): string {
  const date = new Date(ms);
  return `${clock.format(date)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** `2026-11-21 14:03:07.120` */
export const moment = (ms: number): string => `${day.format(new Date(ms))} ${time(ms)}`;

/**
 * What would move the cursor, or the direction of writing, in visible form: so that one line stays
 * one line, and a name cannot pretend to be another one.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, (letter) => {
    const code = letter.codePointAt(0)!;
    if (letter === "\n") return "↵";
    if (letter === "\t") return "⇥";
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
  });
}

/** The same for a text of several lines, which stay so. */
export const visibleLines = (text: string): string => text.split("\n").map(visible).join("\n");

const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;

function trim(number: number, digits = 1): string {
  return String(Number(number.toFixed(digits)));
}

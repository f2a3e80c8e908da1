/** What went wrong, in words that say what to do about it. */

import { age, moment } from "./format.js";
import type { Claims } from "./token.js";

export interface Problem {
  title: string;
  detail: string;
  /** Asking again may help, and is done. */
  isPassing: boolean;
  /** Another key or token is needed. */
  needsToken: boolean;
}

/** What an error of the server or of the reader has in it. */
interface Failure {
  status?: number;
  message?: string;
}

/** Say what *error* means to the holder of *claims* who asked for *wanted*, a scope. */
export function explain(
  error: unknown,
  claims: Claims | undefined,
  wanted: string,
  now: number,
): Problem {
  const { status = 0, message = String(error) } = error as Failure;
  if (status === 401) return unauthenticated(claims, message, now);
  if (status === 403) return unauthorized(claims, wanted);
  if (status === 0) {
    const detail = "Trying again every few seconds. Is it running, and this machine online?";
    return passing("The server cannot be reached", detail);
  }
  if (status === 404) return passing("Not there yet", "It appears here as soon as it is written.");
  if (status === 410) {
    return refused(
      "These chunks have expired",
      "They were kept for as long as the server keeps any.",
    );
  }
  if (status === 429 || status >= 500) {
    return passing(`The server has trouble (${status})`, `${message}. Trying again.`);
  }
  return refused(`The server refuses this (${status})`, message);
}

/** Say why something was not done, to the holder of *claims*; it is not tried again by itself. */
export function whyNot(
  error: unknown,
  claims: Claims | undefined,
  wanted: string,
  now: number,
): Problem {
  const problem = explain(error, claims, wanted, now);
  const { status = 0, message = "" } = error as Failure;
  if (!problem.isPassing) return problem;
  if (status === 404) return refused("It is not there any more", message);
  const detail = "Perhaps it was done, perhaps not. To do it again does no harm.";
  return { ...problem, detail };
}

/** Say why a token will not be accepted, if that can be seen without asking. */
export function expiredAt(claims: Claims | undefined, now: number): number | undefined {
  return claims?.expires !== undefined && claims.expires <= now ? claims.expires : undefined;
}

function unauthenticated(claims: Claims | undefined, message: string, now: number): Problem {
  const expired = expiredAt(claims, now);
  if (expired !== undefined) {
    const when = `It expired ${age(expired, now)}, at ${moment(expired).slice(0, -4)}.`;
    return other(
      "This token has expired",
      `${when} Sign in with a new one: “runstreams token” makes it.`,
    );
  }
  const detail = claims
    ? `The server says: ${message}. Was it signed with this server's key?`
    : "Compare it with the secret key that the server was started with.";
  return other(`This ${claims ? "token" : "key"} is not accepted`, detail);
}

function unauthorized(claims: Claims | undefined, wanted: string): Problem {
  const has = claims?.scopes.length ? `It has ${claims.scopes.join(", ")}.` : "It has none.";
  return other(
    "This token does not reach so far",
    `It lacks the scope ${wanted}. ${has} “runstreams token” makes one that reaches further.`,
  );
}

const passing = (title: string, detail: string): Problem => ({
  title,
  detail,
  isPassing: true,
  needsToken: false,
});

const refused = (title: string, detail: string): Problem => ({
  ...passing(title, detail),
  isPassing: false,
});

const other = (title: string, detail: string): Problem => ({
  ...refused(title, detail),
  needsToken: true,
});

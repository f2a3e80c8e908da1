/** Where the page is. */

import { signal } from "@preact/signals";
import { format, parse, takeToken, type Route } from "./route.js";
import { signIn } from "./session.js";

export const route = signal<Route>({});

export function go(to: Route): void {
  location.hash = format(to);
}

/** What the address says, which may be more than one went to. */
let noted: Route = {};

/** Change the address without going anywhere: so that a reload and a copied link lead here. */
export function note(change: Partial<Route>): void {
  noted = { ...noted, ...change };
  history.replaceState(null, "", format(noted));
}

/** Read the address, take a token out of it, and follow it from now on. */
export function begin(): void {
  arrive();
  addEventListener("hashchange", arrive);
}

function arrive(): void {
  const { token, rest } = takeToken(location.hash);
  if (token !== undefined) {
    history.replaceState(null, "", rest);
    if (token) signIn(token);
  }
  route.value = noted = parse(token === undefined ? location.hash : rest);
}

/** Where the page is. */

import { signal } from "@preact/signals";
import { format, parse, takeToken, type Route } from "./route.js";
import { signIn } from "./session.js";

export const route = signal<Route>({});

export function go(to: Route): void {
  location.hash = format(to);
}

/** Change the address without going anywhere: so that a reload and a copied link lead here. */
export function note(to: Route): void {
  history.replaceState(null, "", format(to));
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
  route.value = parse(token === undefined ? location.hash : rest);
}

/** Who looks: a key or token that this tab alone knows. */

import { computed, signal } from "@preact/signals";
import { Api } from "./api.js";
import { claimsOf, mayRead, placesOf } from "./token.js";

const ITEM = "runstreams.token";

/** The address of the API: where this page is served, without its name. */
export const base = location.origin + location.pathname.replace(/\/dashboard\/?$/, "");

export const token = signal(stored());

export const claims = computed(() => claimsOf(token.value));
export const api = computed(() => new Api(base, token.value));
export const mayList = computed(() => mayRead(claims.value, "runs"));
export const places = computed(() => placesOf(claims.value));

export function signIn(given: string): void {
  store(given);
  token.value = given;
}

export function signOut(): void {
  store("");
  token.value = "";
}

function stored(): string {
  try {
    return sessionStorage.getItem(ITEM) ?? "";
  } catch {
    return "";
  }
}

function store(value: string): void {
  try {
    if (value) sessionStorage.setItem(ITEM, value);
    else sessionStorage.removeItem(ITEM);
  } catch {
    // Where nothing may be stored, it holds until the page is left.
  }
}

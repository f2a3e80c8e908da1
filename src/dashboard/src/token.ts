/** What a credential says about itself. The server alone decides; this is to explain its answers. */

export interface Claims {
  scopes: string[];
  /** Milliseconds since 1970. */
  expires: number | undefined;
}

/** Return what a public token says; nothing when *token* is a secret key. */
export function claimsOf(token: string): Claims | undefined {
  const [, payload, signature, ...more] = token.split(".");
  if (!payload || signature === undefined || more.length) return undefined;
  try {
    const { scopes, exp } = JSON.parse(utf8(payload)) as Record<string, unknown>;
    return {
      scopes: Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === "string") : [],
      expires: typeof exp === "number" ? exp * 1000 : undefined,
    };
  } catch {
    return undefined;
  }
}

function utf8(base64url: string): string {
  const binary = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (letter) => letter.charCodeAt(0)));
}

interface Scope {
  action: string;
  type: string;
  id: string | undefined;
}

function parsed(scope: string): Scope | undefined {
  if (scope === "admin") return { action: "*", type: "all", id: undefined };
  const [, action, type, id] = /^([^:]+):([^:]+)(?::(.*))?$/s.exec(scope) ?? [];
  if (!action || !type || id?.trim() === "") return undefined;
  return { action, type, id: type === "all" ? undefined : id };
}

/** What is asked about: a type and an id; all of that type at once, without an id. */
export type Resource = readonly [type: string, id?: string];

/** Say whether *claims* allow one of *actions* on one of *resources*, which name the same thing. */
export function may(
  claims: Claims | undefined,
  actions: readonly string[],
  ...resources: Resource[]
): boolean {
  if (!claims) return true;
  return scopesFor(claims, actions).some((scope) =>
    resources.some(
      ([type, id]) =>
        scope.type === "all" ||
        (scope.type === type && (scope.id === undefined || scope.id === id)),
    ),
  );
}

/** Say whether *claims* allow to read *type*; *id* undefined asks for all of that type at once. */
export const mayRead = (claims: Claims | undefined, type: string, id?: string): boolean =>
  may(claims, ["read"], [type, id]);

/** A place that a token leads to: a run, or one stream of it. */
export interface Place {
  run: string;
  key?: string;
}

/** Return the places that *claims* name one by one. */
export function placesOf(claims: Claims | undefined): Place[] {
  const places = claims ? scopesFor(claims, ["read"]).map(placeOf) : [];
  const names = new Map(places.flatMap((place) => (place ? [[JSON.stringify(place), place]] : [])));
  return [...names.values()];
}

function placeOf({ type, id }: Scope): Place | undefined {
  if (!id) return undefined;
  if (type === "runs") return { run: id };
  const slash = id.indexOf("/");
  if (type !== "streams" || slash < 1 || slash === id.length - 1) return undefined;
  return { run: id.slice(0, slash), key: id.slice(slash + 1) };
}

function scopesFor({ scopes }: Claims, actions: readonly string[]): Scope[] {
  return scopes
    .map(parsed)
    .filter((scope) => scope && ["*", ...actions].includes(scope.action)) as Scope[];
}

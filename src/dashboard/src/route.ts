/** What the page shows stands in the fragment of its address, so that it can be linked to. */

export type Mode = "list" | "text" | "markdown";

export const MODES: readonly Mode[] = ["list", "text", "markdown"];

export interface Route {
  run?: string;
  key?: string;
  /** The index to begin at. */
  at?: number;
  view?: Mode;
}

/** Read `#/runs/{run}/{key}?at=&view=`; whatever makes no sense leads to the runs. */
export function parse(fragment: string): Route {
  const [path = "", query = ""] = split(fragment.replace(/^#/, ""), "?");
  const [empty, runs, run, key, ...more] = path.split("/");
  if (empty !== "" || runs !== "runs" || more.length) return {};
  try {
    return named(decodeURIComponent(run ?? ""), decodeURIComponent(key ?? ""), query);
  } catch {
    return {};
  }
}

function named(run: string, key: string, query: string): Route {
  if (!run) return {};
  if (!key) return { run };
  const fields = new URLSearchParams(query);
  const route: Route = { run, key };
  const at = fields.get("at");
  if (at && /^\d{1,16}$/.test(at) && Number.isSafeInteger(Number(at))) route.at = Number(at);
  const view = MODES.find((mode) => mode === fields.get("view"));
  if (view) route.view = view;
  return route;
}

/** The fragment that leads to *route*. */
export function format({ run, key, at, view }: Route): string {
  if (!run) return "#/";
  if (!key) return `#/runs/${encodeURIComponent(run)}`;
  const fields = new URLSearchParams();
  if (at !== undefined) fields.set("at", String(at));
  if (view && view !== "list") fields.set("view", view);
  const query = fields.size ? `?${fields}` : "";
  return `#/runs/${encodeURIComponent(run)}/${encodeURIComponent(key)}${query}`;
}

/** Take `token=…` out of a fragment: what it is, and the fragment without it. */
export function takeToken(fragment: string): { token?: string; rest: string } {
  const found = /(^#|[?&])token=([^&]*)/.exec(fragment);
  if (!found) return { rest: fragment };
  const [whole, before, encoded] = found as unknown as [string, string, string];
  const end = fragment.slice(found.index + whole.length);
  const start = fragment.slice(0, found.index);
  const rest = end ? `${start}${before}${end.slice(1)}` : start;
  return { token: decoded(encoded), rest: rest.startsWith("#/") ? rest : "#/" };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text).trim();
  } catch {
    return text;
  }
}

function split(text: string, at: string): [string, string] {
  const place = text.indexOf(at);
  return place < 0 ? [text, ""] : [text.slice(0, place), text.slice(place + at.length)];
}

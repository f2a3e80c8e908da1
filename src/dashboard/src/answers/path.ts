/** The place of a text inside of a JSON value, as one types it: `choices[0].delta.content`. */

/** The value at *path*, undefined where there is none. */
export function valueAt(value: unknown, path: string): unknown {
  for (const name of path.split(/[.[\]]+/)) {
    if (name === "" || name === "$") continue;
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

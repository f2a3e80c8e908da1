import { useRef } from "react";
import type { AccessToken } from "./token.js";

/**
 * Name the token that *stream* is read with. One that is renewed keeps the name of the one before, and
 * all functions that return tokens have one name: they may be made anew each time. One that was not
 * known yet had no name.
 */
export function useTokenName(
  token: AccessToken | undefined,
  stream: string,
): string | true | undefined {
  const name = typeof token === "function" || token;
  const first = useRef({ stream, name });
  const { current } = first;
  if (current.stream !== stream || current.name === undefined) first.current = { stream, name };
  return first.current.name;
}

import { createContext, createElement, useContext, type ReactNode } from "react";
import type { ServerOptions } from "./requests.js";

const Server = createContext<ServerOptions>({});

/** Tells the hooks below it where the server is, and with which token to ask. */
export function RunStreamsProvider({
  children,
  ...server
}: ServerOptions & { children?: ReactNode }) {
  return createElement(Server.Provider, { value: server }, children);
}

/** Return where to ask: what is given here, and else what the provider says. */
export function useServer(given: ServerOptions): ServerOptions {
  const provided = useContext(Server);
  return {
    accessToken: given.accessToken ?? provided.accessToken,
    baseURL: given.baseURL ?? provided.baseURL,
    fetch: given.fetch ?? provided.fetch,
  };
}

import { useEffect, useState } from "react";

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`/api${path}`, {
    method,
    body: body && JSON.stringify(body),
  } as RequestInit);
  if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}`);
  return answer.json();
}

/** Where the streams are, which is another origin than this page's. */
export const config = () => call<{ baseURL: string }>("GET", "/config");

export const newChat = () => call<{ chat: string }>("POST", "/chats");

export const ask = (chat: string, question: string) =>
  call<{ run: string }>("POST", `/chats/${chat}/turns`, { question });

/** A token that reads one run, and may ask its producer to stop. */
export const tokenFor = async (run: string) =>
  (await call<{ token: string }>("GET", `/runs/${run}/token`)).token;

/** Return a run's token as soon as it is there. */
export function useToken(run: string): string | undefined {
  const [token, setToken] = useState<string>();
  useEffect(() => {
    let isCurrent = true;
    void tokenFor(run).then((token) => isCurrent && setToken(token));
    return () => void (isCurrent = false);
  }, [run]);
  return token;
}

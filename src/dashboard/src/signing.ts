/** Public tokens, signed in the page: the secret key is asked for by nobody else. */

/** Why none can be made here; nothing where one can. */
export const hindrance = (): string | undefined =>
  globalThis.crypto?.subtle
    ? undefined
    : "A browser signs only on pages that come over HTTPS or from this machine. " +
      "“runstreams token” makes one in a terminal.";

/** Return a token with *scopes*, good for *seconds* from *now*, in milliseconds, on. */
export async function signed(
  secret: string,
  scopes: string[],
  now: number,
  seconds: number,
): Promise<string> {
  const iat = Math.floor(now / 1000);
  const said = { sub: "runstreams", pub: true, scopes, iat, exp: iat + seconds };
  const head = [{ alg: "HS256", typ: "JWT" }, said].map(encoded).join(".");
  return `${head}.${base64url(await digest(secret, head))}`;
}

async function digest(secret: string, text: string): Promise<Uint8Array> {
  const { subtle } = crypto;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await subtle.importKey("raw", bytes(secret), algorithm, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", key, bytes(text)));
}

const bytes = (text: string) => new TextEncoder().encode(text);

const encoded = (value: unknown) => base64url(bytes(JSON.stringify(value)));

const base64url = (data: Uint8Array) =>
  btoa(String.fromCharCode(...data))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

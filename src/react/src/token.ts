/** A token, or a function that returns one, such as a call of your own server. */
export type AccessToken = string | (() => string | Promise<string>);

/** The token in use. */
export class Token {
  #token: string | Promise<string> | undefined;

  constructor(private readonly source: AccessToken | undefined) {
    if (typeof source === "string") this.#token = source;
  }

  /** Return the headers that show it; it is asked for once, by whoever comes first. */
  async headers(): Promise<Record<string, string>> {
    if (typeof this.source === "function") this.#token ??= this.#ask(this.source);
    const token = await this.#token;
    return token ? { Authorization: `Bearer ${token}` } : {};
  }

  /** Forget it, so that it is asked for again; return false if there is nobody to ask. */
  forget(): boolean {
    if (typeof this.source !== "function") return false;
    this.#token = undefined;
    return true;
  }

  async #ask(source: () => string | Promise<string>): Promise<string> {
    try {
      return await source();
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }
}

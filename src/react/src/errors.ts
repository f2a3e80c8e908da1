/** The server refused, or could not be reached for too long (status 0). */
export class StreamError extends Error {
  override name = "StreamError";

  constructor(
    message: string,
    /** The HTTP status; 0 when there was no answer. */
    readonly status: number,
    /** The protocol's word for it, such as `unauthorized`. */
    readonly code: string,
    /** What else the server said, such as `tail` or `first_index`. */
    readonly facts: Record<string, unknown> = {},
    /** Seconds after which the server wants to be asked again. */
    readonly retryAfter = 0,
  ) {
    super(message);
  }

  /** Return *error* as one of these: what is none of the server's means that it was not reached. */
  static of(error: unknown, code = "unreachable"): StreamError {
    if (error instanceof StreamError) return error;
    const { message } = error as Error;
    return Object.assign(new StreamError(message, 0, code), { cause: error });
  }

  /** Read the error out of an answer. */
  static async from(response: Response): Promise<StreamError> {
    const body: unknown = await response.json().catch(() => undefined);
    const { code, message, ...facts } = errorIn(body);
    return new StreamError(
      typeof message === "string" ? message : `the server answered ${response.status}`,
      response.status,
      typeof code === "string" ? code : "unknown",
      facts,
      secondsOf(response.headers.get("Retry-After") ?? ""),
    );
  }
}

/** Read what `Retry-After` says: seconds, or a date, which is in GMT also where it does not say so. */
function secondsOf(said: string): number {
  if (/^\d+$/.test(said)) return Number(said);
  const date = Date.parse(said.endsWith("GMT") ? said : `${said} GMT`);
  return Math.max(0, (date - Date.now()) / 1000) || 0;
}

function errorIn(body: unknown): Record<string, unknown> {
  const error = (body as { error?: unknown } | undefined)?.error;
  if (typeof error === "string") return { message: error };
  return (error ?? {}) as Record<string, unknown>;
}

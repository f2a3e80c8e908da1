/** What an event of a model's API, or of a protocol for front ends, adds to what is said. */

export type Kind = "text" | "reasoning" | "tool" | "error";

export interface Said {
  kind: Kind;
  /** Which text or call it belongs to. */
  key: string;
  /** What a tool is called. */
  name?: string;
  text: string;
}

type Json = Record<string, any>;

/** Events that say nothing: begin, end, count. What is the application's own is none of them. */
const SILENT =
  /^(?:response\.|(?:text|reasoning|tool-(?:input|approval))-|message_|content_block_|(?:RUN|STEP|STATE|MESSAGES|TEXT_MESSAGE|TOOL_CALL|REASONING|THINKING|ACTIVITY)_)/;

/** Names that others may use as well: they are known by having nothing else to say. */
const BARE = /^(?:(?:start|finish)(?:-step)?|message-metadata|abort|done|ping)$/;
const BESIDE = new Set(["type", "messageId", "messageMetadata", "finishReason", "reason"]);

const isSilent = (type: string, event: Json): boolean =>
  SILENT.test(type) || (BARE.test(type) && Object.keys(event).every((name) => BESIDE.has(name)));

/** Tells the answers of one stream apart, whose parts have numbers only. */
export class Events {
  #turn = 0;
  /** Blocks that have begun, for those without numbers: most models of Strands give none. */
  #blocks = 0;
  /** The calls of Chat Completions that go on: some providers do not count them. */
  #calls = new Map<string, string>();

  /** What *event* says; undefined where it is no event that is known. */
  read(event: Json): Said[] | undefined {
    if (event.object === "chat.completion.chunk") return completion(event, this.#calls);
    const [name, told] = only(event.event ? only(event)[1] : event);
    if (name === "messageStart") this.#turn += 1;
    if (CONVERSE.has(name)) {
      if (name === "contentBlockStart") this.#blocks += 1;
      return converse(told, `${this.#turn}.${told.contentBlockIndex ?? `_${this.#blocks}`}`);
    }
    if (isOfStrands(name, told)) return [];
    const { type } = event;
    if (typeof type !== "string") return undefined;
    if (type === "message_start") this.#turn += 1;
    if (type.startsWith("content_block_")) return block(event, `${this.#turn}.${event.index}`);
    const one =
      response(type, event) ?? chunk(type, event) ?? agUi(type, event) ?? trouble(type, event);
    if (one) return [one];
    return isSilent(type, event) ? [] : undefined;
  }
}

const said = (kind: Kind, key: unknown, text: unknown, name?: string): Said => ({
  kind,
  key: `${kind}.${String(key)}`,
  text: typeof text === "string" ? text : text === undefined ? "" : JSON.stringify(text),
  ...(name && { name }),
});

/** OpenAI's Chat Completions. */
function completion({ id, choices }: Json, calls: Map<string, string>): Said[] {
  const delta: Json = choices?.[0]?.delta ?? {};
  const all: Said[] = [];
  const reasoning = delta.reasoning_content ?? delta.reasoning;
  if (reasoning) all.push(said("reasoning", id, reasoning));
  for (const text of [delta.content, delta.refusal]) if (text) all.push(said("text", id, text));
  for (const call of delta.tool_calls ?? []) {
    const { name, arguments: input } = call.function ?? {};
    const at = `${id}.${call.index}`;
    if (call.id && name) calls.set(at, `${at}.${call.id}`);
    all.push(said("tool", calls.get(at) ?? at, input ?? "", name));
  }
  return all;
}

/** Anthropic's Messages: the parts of a message have numbers. */
function block({ type, content_block: begun, delta }: Json, key: string): Said[] {
  if (type === "content_block_start" && begun?.name) return [said("tool", key, "", begun.name)];
  if (begun?.text || begun?.thinking) delta = begun;
  if (delta?.text) return [said("text", key, delta.text)];
  if (delta?.thinking) return [said("reasoning", key, delta.thinking)];
  return delta?.partial_json ? [said("tool", key, delta.partial_json)] : [];
}

/** The name and the value of the only member of *event*; no name where it has others. */
function only(event: Json): [string, Json] {
  const [name, ...others] = Object.keys(event ?? {});
  return name === undefined || others.length ? ["", {}] : [name, event[name] ?? {}];
}

/** Events of Bedrock's ConverseStream; Strands Agents wrap them. */
const CONVERSE = new Set([
  "messageStart",
  "contentBlockStart",
  "contentBlockDelta",
  "contentBlockStop",
  "messageStop",
]);

/** Whether it repeats what was said: figures, a whole message, the end. */
const isOfStrands = (name: string, told: Json): boolean =>
  (name === "metadata" && told.metrics) ||
  (name === "message" && told.role && Array.isArray(told.content)) ||
  (name === "result" && told.stop_reason);

function converse({ start, delta }: Json, key: string): Said[] {
  if (start?.toolUse) return [said("tool", key, "", start.toolUse.name)];
  if (delta?.text) return [said("text", key, delta.text)];
  if (delta?.reasoningContent?.text) return [said("reasoning", key, delta.reasoningContent.text)];
  return delta?.toolUse ? [said("tool", key, delta.toolUse.input)] : [];
}

/** OpenAI's Responses. */
function response(type: string, { item, item_id: id, delta, response }: Json): Said | undefined {
  switch (type) {
    case "response.output_text.delta":
    case "response.refusal.delta":
      return said("text", id, delta);
    case "response.reasoning_summary_text.delta":
    case "response.reasoning_text.delta":
      return said("reasoning", id, delta);
    case "response.output_item.added":
      return /^(?:function|custom_tool)_call$/.test(item?.type)
        ? said("tool", item.id, "", item.name)
        : undefined;
    case "response.function_call_arguments.delta":
    case "response.custom_tool_call_input.delta":
      return said("tool", id, delta);
    case "response.failed":
      return said("error", "", response?.error?.message);
  }
  return undefined;
}

/** The Vercel AI SDK's UI message stream. */
function chunk(type: string, event: Json): Said | undefined {
  const { id, delta, toolCallId: call } = event;
  switch (type) {
    case "text-delta":
      return said("text", id, delta);
    case "reasoning-delta":
      return said("reasoning", id, delta);
    case "tool-input-start":
      return said("tool", call, "", event.toolName);
    case "tool-input-delta":
      return said("tool", call, event.inputTextDelta);
    case "tool-output-available":
      return said("tool", call, `\n→ ${said("tool", call, event.output).text}`);
    case "tool-input-error":
    case "tool-output-error":
      return said("tool", call, `\n✗ ${event.errorText}`, event.toolName);
  }
  return undefined;
}

/** AG-UI. */
function agUi(type: string, event: Json): Said | undefined {
  const { messageId: message, toolCallId: call, delta } = event;
  switch (type) {
    case "TEXT_MESSAGE_CONTENT":
    case "TEXT_MESSAGE_CHUNK":
      return said("text", message, delta);
    case "REASONING_MESSAGE_CONTENT":
    case "THINKING_TEXT_MESSAGE_CONTENT":
      return said("reasoning", message, delta);
    case "TOOL_CALL_START":
      return said("tool", call, "", event.toolCallName);
    case "TOOL_CALL_ARGS":
    case "TOOL_CALL_CHUNK":
      return said("tool", call, delta, event.toolCallName);
    case "TOOL_CALL_RESULT":
      return said("tool", call, `\n→ ${event.content}`);
    case "RUN_ERROR":
      return said("error", "", event.message);
  }
  return undefined;
}

/** What each of them calls an error. */
function trouble(type: string, { errorText, error, message }: Json): Said | undefined {
  if (type !== "error") return undefined;
  const text = errorText ?? error?.message ?? message;
  return typeof text === "string" ? said("error", "", text) : undefined;
}

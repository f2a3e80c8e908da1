import type { UIMessageChunk } from "ai";

/** Kinds of chunks that only add to a text, by where the text is in them, and whose it is. */
const ADDING = new Map<string, [text: string, owner: string]>([
  ["text-delta", ["delta", "id"]],
  ["reasoning-delta", ["delta", "id"]],
  ["tool-input-delta", ["inputTextDelta", "toolCallId"]],
]);

/**
 * Return *chunks* with those joined that follow one another and add to the same text: a message is made
 * anew with each chunk, so that a replay of thousands would take as many renders.
 */
export function merged(chunks: UIMessageChunk[]): UIMessageChunk[] {
  const all: Record<string, any>[] = [];
  for (const chunk of chunks as Record<string, any>[]) {
    const [text, owner] = ADDING.get(chunk.type) ?? [];
    const last = all.at(-1);
    const joins = text && last?.type === chunk.type && last![owner!] === chunk[owner!];
    if (joins) all[all.length - 1] = { ...last, ...chunk, [text]: last![text] + chunk[text] };
    else all.push(chunk);
  }
  return all as UIMessageChunk[];
}

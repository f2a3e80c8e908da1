/** JSON as it was written: where in a text its values are. What is given here must be JSON. */

/** Return the members of a list or an object by place, or name, each with its own text. */
export function membersOf(text: string): [name: string, text: string][] {
  const members: [string, string][] = [];
  if (!/^[[{]/.test(text)) return members;
  let name: string | undefined;
  let begin = 1;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at]!;
    if (sign === '"') at = endOfString(text, at);
    else if (sign === "{" || sign === "[") depth += 1;
    else if (sign === "}" || sign === "]") depth -= 1;
    else if (sign === ":" && depth === 1) {
      name = JSON.parse(text.slice(begin, at)) as string;
      begin = at + 1;
    }
    if (depth > 1 || (depth && sign !== ",")) continue;
    const member = text.slice(begin, at).trim();
    if (member) members.push([name ?? `${members.length}`, member]);
    begin = at + 1;
  }
  return members;
}

/** Return where the string that begins at *at* has its other quotation mark. */
function endOfString(text: string, at: number): number {
  for (let slash = at; ;) {
    at = slash = text.indexOf('"', at + 1);
    while (text[slash - 1] === "\\") slash -= 1;
    if ((at - slash) % 2 === 0) return at;
  }
}

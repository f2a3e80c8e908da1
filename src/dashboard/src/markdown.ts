/**
 * Markdown as elements: a bundle of its own, loaded when it is first asked for. What it is made of is
 * hostile. It becomes elements that say something, and links that lead away; nothing is loaded, no
 * name or class is taken over, and no string is ever assigned as markup.
 */

import DOMPurify from "dompurify";
import { Marked, type Token, type Tokens } from "marked";

const TAGS =
  "a b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i ins kbd li mark ol p pre q " +
  "s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var";

const CONFIG = {
  ALLOWED_TAGS: TAGS.split(" "),
  ALLOWED_ATTR: ["align", "colspan", "href", "rowspan", "start", "title"],
  // Only addresses that say themselves where they lead: one within this page could sign somebody in.
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
};

const marked = new Marked({
  gfm: true,
  renderer: {
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

DOMPurify.addHook("beforeSanitizeElements", (node) => {
  if (node.nodeName === "IMG") sayImage(node as HTMLImageElement);
});

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.nodeName !== "A") return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer nofollow");
});

/** Put in an image's place what it shows and where it is; the image itself is then dropped. */
function sayImage(image: HTMLImageElement): void {
  const alt = image.getAttribute("alt")?.trim();
  const address = image.getAttribute("src") ?? "";
  const text = image.ownerDocument.createElement("code");
  text.textContent = `[image${alt ? `: ${alt}` : ""}] ${address}`;
  image.before(text);
}

/** The parts of a text, in the order they are shown: each is made into elements on its own. */
export function partsOf(text: string): Token[] {
  return marked.lexer(text).filter(({ type }) => type !== "space" && type !== "def");
}

/** Return the elements of one part. */
export function elementsOf(part: Token): DocumentFragment {
  return DOMPurify.sanitize(marked.parser([part as Tokens.Generic]), CONFIG);
}

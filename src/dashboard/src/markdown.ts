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
  ADD_URI_SAFE_ATTR: ["align", "colspan", "rowspan", "start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
};

/** The beginning of anything that is not a plain tag: tags with attributes, comments, and the like. */
const NO_PLAIN_TAG = new RegExp(`<(?!/?(?:${TAGS.replaceAll(" ", "|")})\\s*/?>)`, "gi");

const marked = new Marked({
  gfm: true,
  renderer: {
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    // It is shown as the text that it is. A browser that merely parsed it would report violations of
    // the page's policy already.
    html: ({ text }) => text.replace(NO_PLAIN_TAG, "&lt;"),
    // What it shows, and where it is; it is not loaded.
    image: ({ href, text }) =>
      `<code>[image${text ? `: ${escaped(text)}` : ""}] ${escaped(href)}</code>`,
  },
});

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.nodeName !== "A" || !node.hasAttribute("href")) return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer nofollow");
});

/** The parts of a text, in the order they are shown: each is made into elements on its own. */
export function partsOf(text: string): Token[] {
  return marked.lexer(text).filter(({ type }) => type !== "space" && type !== "def");
}

/** Return the elements of one part. */
export function elementsOf(part: Token): DocumentFragment {
  return DOMPurify.sanitize(marked.parser([part as Tokens.Generic]), CONFIG);
}

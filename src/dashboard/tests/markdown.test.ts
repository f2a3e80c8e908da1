import { JSDOM } from "jsdom";
import { expect, it } from "vitest";

const { window } = new JSDOM("<!doctype html>");
Object.assign(globalThis, { window, document: window.document });

// The sanitizer looks for a page when it is loaded.
const { elementsOf, partsOf } = await import("../src/markdown.js");

function rendered(text: string): HTMLElement {
  const box = window.document.createElement("div");
  for (const part of partsOf(text)) box.append(elementsOf(part));
  return box;
}

it("makes elements of Markdown", () => {
  const box = rendered(
    "# One\n\n- *two*\n- [x] three\n\n| a | b |\n|--|-:|\n| 1 | 2 |\n\n```js\nx < 1\n```\n",
  );
  expect(box.querySelector("h1")!.textContent).toBe("One");
  expect(box.querySelector("em")!.textContent).toBe("two");
  expect(box.querySelectorAll("li")[1]!.textContent).toContain("☑ three");
  expect(box.querySelectorAll("td")[1]!.getAttribute("align")).toBe("right");
  expect(box.querySelector("pre code")!.textContent).toBe("x < 1\n");
});

it("lets links lead away, and nowhere else", () => {
  const box = rendered("[a](https://example.org/x) <https://b.example> [m](mailto:x@example.org)");
  for (const link of box.querySelectorAll("a")) {
    expect(link.getAttribute("target")).toBe("_blank");
    expect(link.getAttribute("rel")).toBe("noopener noreferrer nofollow");
  }
  expect(box.querySelectorAll("a[href]")).toHaveLength(3);
});

it.each([
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt&#58;alert(1))",
  "[x](data:text/html,<script>alert(1)</script>)",
  "[x](vbscript:x)",
  "[x](#token=theirs)",
  "[x](/api/v1/runs)",
  "[x](//elsewhere.example)",
  "[x](dashboard)",
])("%s leads nowhere", (text) => {
  expect(rendered(text).querySelector("[href]")).toBeNull();
});

it("says what an image shows and where it is, and loads none", () => {
  const box = rendered('![a "cat"](https://example.org/cat.png) ![](x)');
  expect(box.querySelector("img")).toBeNull();
  expect(box.textContent).toContain('[image: a "cat"] https://example.org/cat.png');
  expect(box.textContent).toContain("[image] x");
});

const HOSTILE = [
  "<img src=x onerror=alert(1)>",
  "<script>alert(1)</script>",
  "<svg onload=alert(1)><a xlink:href=javascript:alert(1)>",
  "<math><mtext></p><style><img src onerror=alert(1)></style>",
  "<p style='position:fixed' class=bar id=app>hi</p>",
  "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
  "<form action=/><input name=attributes><button formaction=javascript:alert(1)>",
  "<style>body{display:none}</style>",
  "<b\n onclick=alert(1)>x</b>",
  "<details open ontoggle=alert(1)>",
  '![x](x" onerror="alert(1))',
  '![" onerror="alert(1)](x)',
  "`<img src=x onerror=alert(1)>`",
  "<!--><img src=x onerror=alert(1)>-->",
  "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
  "[<img src=x onerror=alert(1)>](https://x)",
  "| <img src=x onerror=alert(1)> |\n|--|\n| <script>1</script> |",
];

it.each(HOSTILE)("%j does nothing", (text) => {
  const box = rendered(text);
  for (const element of box.querySelectorAll("*")) {
    expect(element.localName).not.toMatch(/^(img|script|svg|math|style|iframe|form|input|button)$/);
    for (const { name } of element.attributes) {
      expect(["align", "href", "rel", "start", "target", "title"]).toContain(name);
    }
  }
});

it("shows raw markup as the text that it is, but for plain tags", () => {
  const box = rendered("a<br>b <sub>c</sub> <img src=x>");
  expect(box.querySelector("br")).not.toBeNull();
  expect(box.querySelector("sub")!.textContent).toBe("c");
  expect(box.textContent).toContain("<img src=x>");
});

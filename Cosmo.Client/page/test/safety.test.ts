import { describe, expect, test } from "vitest";
import { blocksOf } from "../src/markdown/blocks.js";
import { safeAddress } from "../src/markdown/links.js";
import { sanitize } from "../src/markdown/sanitize.js";
import payloads from "./payloads.json" with { type: "json" };

const nodesOf = (markdown: string, isGrowing = false): DocumentFragment => {
  const all = document.createDocumentFragment();
  blocksOf(markdown, isGrowing).forEach((html) => all.append(sanitize(html)));
  return all;
};

const allowed = new Set([..."a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre strong table tbody td th thead tr ul".split(" ")]);
const attributes = new Set(["href", "align", "start", "data-lang"]);

/** `payloads.json`: what has got through Markdown renderers and sanitizers before, in one or another of them. */
describe("Markdown", () => {
  test.each(payloads)("nothing of %j runs, loads, or leads elsewhere than to a page", (payload) => {
    for (let end = payload.length; end >= 0; end -= Math.ceil(payload.length / 16)) {
      for (const element of nodesOf(payload.slice(0, end), end < payload.length).querySelectorAll("*")) {
        expect(allowed).toContain(element.localName);
        for (const { name, value } of element.attributes) {
          expect(attributes).toContain(name);
          expect(name !== "href" || /^(https?:\/\/|mailto:)/.test(value), value).toBe(true);
        }
      }
    }
  });

  test("the sanitizer alone holds too, whatever HTML it is given", () => {
    for (const payload of payloads) {
      for (const element of sanitize(payload).querySelectorAll("*")) {
        expect(allowed).toContain(element.localName);
        expect([...element.attributes].filter(({ name, value }) => !attributes.has(name) || (name === "href" && !/^(https?|mailto):/i.test(value)))).toEqual([]);
      }
    }
  });

  test("an image is a link that somebody may open", () => {
    const [link] = nodesOf("![A map](https://example.com/map.png)").querySelectorAll("a");
    expect([link!.textContent, link!.getAttribute("href")]).toEqual(["Image: A map", "https://example.com/map.png"]);
    expect(nodesOf("![A map](data:image/png;base64,AAAA)").textContent!.trim()).toBe("Image: A map");
  });

  test("HTML is shown as the text that it is, but for a line break", () => {
    expect(nodesOf("a <b>c</b>").textContent!.trim()).toBe("a <b>c</b>");
    expect(nodesOf("a<br>b").querySelectorAll("br").length).toBe(1);
  });

  test.each(["https://example.com/", "http://example.com/a?b=c#d", "mailto:maria.santos@example.com"])("%s may be followed", (href) => expect(safeAddress(href)).toBe(href));

  test.each(["javascript:alert(1)", "JAVASCRIPT:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)", "\u0001javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:x",
    "//example.com", "/path", "#hash", "config.json", "", "https://", "view-source:https://example.com"])("%j may not", (href) => expect(safeAddress(href)).toBeNull());
});

test("what a table and code need to look right is kept", () => {
  expect(nodesOf("```ts\na\n```").querySelector("pre")!.dataset["lang"]).toBe("ts");
  expect(nodesOf("| a |\n| --: |\n| b |").querySelector("td")!.getAttribute("align")).toBe("right");
  expect(nodesOf("3. a").querySelector("ol")!.getAttribute("start")).toBe("3");
});

// @vitest-environment node
import { describe, expect, test } from "vitest";
import { blocksOf } from "../src/markdown/blocks.js";

/** Every beginning of a text, as it is shown while it grows. */
const beginnings = (text: string): (readonly string[])[] => Array.from({ length: text.length + 1 }, (_, end) => blocksOf(text.slice(0, end), true));

describe("blocks", () => {
  test("a finished block stays as it is while the text grows behind it", () => {
    const text = "# Title\n\nA paragraph with **strong** words.\n\n- one\n- two\n\n```ts\nconst a = 1;\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\nThe *end*.";
    const whole = blocksOf(text, false);
    expect(whole.length).toBe(6);

    let finished = 0;
    for (const blocks of beginnings(text)) {
      for (let index = 0; index < Math.min(finished, blocks.length - 1); index++) {
        expect(blocks[index]).toBe(whole[index]);
      }

      finished = Math.max(finished, blocks.length - 1);
    }

    expect(finished).toBe(5);
  });

  test("a text that has grown to its end is shown as the whole one", () => {
    const text = "Some `code`, **strong**, [a link](https://example.com/) and the end.";
    expect(blocksOf(text, true)).toEqual(blocksOf(text, false));
  });

  test("a fence that is open is code from its first line on", () => {
    for (const [length, blocks] of beginnings("Look:\n\n```ts\nconst a = 1;").entries()) {
      expect(blocks.join("")).not.toContain("`");
      expect(blocks.length, String(length)).toBeLessThanOrEqual(2);
    }

    expect(blocksOf("```ts\nconst a", true)).toEqual(['<pre data-lang="ts"><code>const a</code></pre>']);
  });

  test("a table is one from its first row on, and never a line of pipes", () => {
    for (const blocks of beginnings("| City | Desks |\n| :-- | --: |\n| Makati | 24 |")) {
      expect(blocks.join("").replace(/<[^>]*>/g, "")).not.toMatch(/[|]|--/);
      expect(blocks.length).toBeLessThanOrEqual(1);
    }

    expect(blocksOf("| City | De", true)[0]).toContain("<th>City</th>");
  });

  test("a link that is open shows its text, and no part of its address", () => {
    for (const blocks of beginnings("See [the documentation](https://example.com/a/long/path) for more.")) {
      expect(blocks.join("").replace(/<[^>]*>/g, "")).not.toMatch(/[[\]]|https/);
    }

    expect(blocksOf("See [the docu", true)).toEqual(["<p>See the docu</p>\n"]);
  });

  test("an address that may go on is no link yet", () => {
    expect(blocksOf("See https://example.com/pa", true).join("")).not.toContain("<a");
    expect(blocksOf("See https://example.com/path.", false).join("")).toContain("<a");
  });

  test("emphasis that is open is shown, without its marks", () => {
    for (const blocks of beginnings("It is **very *much* so** and ~~not~~ that.")) {
      expect(blocks.join("")).not.toMatch(/[*~]/);
    }

    expect(blocksOf("It is **ver", true)).toEqual(["<p>It is <strong>ver</strong></p>\n"]);
  });

  test.each(["A line\n-", "A line\n==", "A line\n#", "- one\n-", "A line\n```"])("what may become a heading or a list in %j is not shown as one before it is", (text) => {
    expect(blocksOf(text, true).join("")).not.toMatch(/<h\d|[-=#`]\s*</);
  });

  test.each(["2 * 3 * 4", "snake_case_name", "a ~ b", "5 > 4", "1. one", "* "])("%j is shown as it stands", (text) => {
    expect(blocksOf(`${text} and so on`, true).join("")).toBe(blocksOf(`${text} and so on`, false).join(""));
  });

  test.each([">".repeat(20_000), "[".repeat(20_000), "*a ".repeat(20_000), "- ".repeat(2_000), "`".repeat(20_001), "| ".repeat(10_000), "![](".repeat(8_000), "<".repeat(32_000), "_".repeat(32_000) + "a"])(
    "no text takes long, whatever it nests (%#)",
    (text) => {
      const before = process.cpuUsage();
      expect(blocksOf(text, true).length).toBeGreaterThanOrEqual(0);
      expect(process.cpuUsage(before).user / 1000).toBeLessThan(2_000);
    },
  );
});

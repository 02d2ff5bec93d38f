import { afterEach, describe, expect, test, vi } from "vitest";
import { isTooLong, roomLeft } from "../src/composer/limits.js";
import { sendsOnEnter } from "../src/composer/keys.js";
import { step } from "../src/composer/recall.js";
import { change, conversations, renamed, titleOf, withQuestion, without } from "../src/list/conversations.js";
import { hashOf, nameIn, newName } from "../src/list/hash.js";
import { draftOf, keepDraft } from "../src/storage/drafts.js";
import { forgetRatings, keepRating, ratingOf } from "../src/storage/ratings.js";
import { forgetSent, keepSent, sentQuestions, takeOutdated } from "../src/storage/sent.js";

afterEach(() => {
  vi.restoreAllMocks();
  localStorage.clear();
  sessionStorage.clear();
});

describe("the address", () => {
  test.each([["#100%", "100%"], ["#%E0%A4%A", "%E0%A4%A"], ["#team%2Fa", "team/a"], ["#%F0%9F%91%8B", "👋"], ["", ""], ["#", ""], ["#a#b", "a#b"]])("%j names %j", (hash, name) => {
    expect(nameIn(hash)).toBe(name);
  });

  test.each(["a", "100%", "%E0%A4%A", "team/a b", "👋", "a#b", "שלום"])("the hash of %j names it", (name) => expect(nameIn(hashOf(name))).toBe(name));

  test("a new name is a new one", () => {
    expect(newName()).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(newName()).not.toBe(newName());
  });
});

describe("the list of conversations", () => {
  test("a conversation is called by its first question, and comes first when it is asked something", () => {
    let list = withQuestion([], "a", "Weather in Makati?", 1);
    list = withQuestion(list, "b", "Offices?", 2);
    list = withQuestion(list, "a", "And in Cebu?", 3);
    expect(list).toEqual([{ name: "a", title: "Weather in Makati?", usedAt: 3 }, { name: "b", title: "Offices?", usedAt: 2 }]);
  });

  test("it is renamed and taken off; an empty name changes nothing", () => {
    const list = withQuestion(withQuestion([], "a", "One", 1), "b", "Two", 2);
    expect(renamed(list, "a", " Mine ").map(({ title }) => title)).toEqual(["Two", "Mine"]);
    expect(renamed(list, "a", "  ")).toBe(list);
    expect(without(list, "a").map(({ name }) => name)).toEqual(["b"]);
  });

  test("a change is made of what is on the device, which another tab may have changed", () => {
    change((list) => withQuestion(list, "a", "One", 1));
    localStorage.setItem("cosmo.conversations", JSON.stringify([...conversations(), { name: "other", title: "Other", usedAt: 0 }]));
    expect(change((list) => without(list, "a")).map(({ name }) => name)).toEqual(["other"]);
  });

  test.each(["{", "null", "7", "[1, null, {\"name\": 3}]"])("what is no list (%s) is an empty one", (text) => {
    localStorage.setItem("cosmo.conversations", text);
    expect(conversations()).toEqual([]);
  });

  test("a title is one line, not too long, and cuts no emoji", () => {
    expect(titleOf("  a\n b ")).toBe("a b");
    expect(titleOf("👋".repeat(100))).toBe(`${"👋".repeat(79)}…`);
  });
});

describe("drafts", () => {
  test("what is typed is kept by conversation until it is sent", () => {
    expect([keepDraft("a", "One"), keepDraft("b", "Two\n")]).toEqual([true, true]);
    expect([draftOf("a"), draftOf("b"), draftOf("c")]).toEqual(["One", "Two\n", ""]);
    keepDraft("a", "");
    expect(localStorage.length).toBe(1);
  });

  test("what another tab types in the same conversation takes nothing from this one, and a new tab has what was typed last", () => {
    keepDraft("a", "Here");
    localStorage.setItem("cosmo.draft:a", JSON.stringify("There"));
    expect(draftOf("a")).toBe("Here");
    keepDraft("a", "");
    localStorage.setItem("cosmo.draft:a", JSON.stringify("There, longer"));
    expect(draftOf("a")).toBe("");
    sessionStorage.clear();
    expect(draftOf("a")).toBe("There, longer");
  });

  test("a device without room says so", () => {
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    expect(keepDraft("a", "One")).toBe(false);
  });
});

describe("questions on their way", () => {
  test("they are kept until the server has them, each once", () => {
    keepSent("a", { id: "1", text: "One", at: 1 });
    keepSent("a", { id: "2", text: "Two", at: 2, replaces: "0" });
    keepSent("a", { id: "1", text: "One", at: 3 });
    expect(sentQuestions("a").map(({ id }) => id)).toEqual(["2", "1"]);
    forgetSent("a", "2");
    forgetSent("a", "1");
    expect(localStorage.length).toBe(0);
  });

  test("one that waited for more than an hour is not asked any more, but given back", () => {
    keepSent("a", { id: "1", text: "Old", at: 0 });
    keepSent("a", { id: "2", text: "New", at: 3_000_000 });
    expect(takeOutdated("a", 3_600_001).map(({ text }) => text)).toEqual(["Old"]);
    expect(sentQuestions("a").map(({ text }) => text)).toEqual(["New"]);
  });
});

describe("ratings", () => {
  test("they are kept by conversation, the newest, until that is deleted", () => {
    localStorage.setItem("cosmo.ratings:a", JSON.stringify([["m", "sideways"], 5]));
    keepRating("a", "0", "down");
    for (let i = 0; i < 200; i++) {
      keepRating("a", `${i}`, i % 2 === 0 ? "up" : "down");
    }

    expect([ratingOf("a", "m"), ratingOf("a", "0"), ratingOf("a", "199"), ratingOf("b", "0")]).toEqual([null, "up", "down", null]);
    keepRating("a", "new", "up");
    expect(ratingOf("a", "0")).toBeNull();
    forgetRatings("a");
    expect(localStorage.length).toBe(0);
  });
});

describe("the composer", () => {
  const enter = { key: "Enter", shiftKey: false, isComposing: false, keyCode: 13 };

  test("Enter sends, but not with Shift, nor while an input method takes it, as Safari tells by the key code alone", () => {
    expect(sendsOnEnter(enter)).toBe(true);
    expect([{ shiftKey: true }, { isComposing: true }, { keyCode: 229 }, { key: "a" }].map((change) => sendsOnEnter({ ...enter, ...change }))).toEqual([false, false, false, false]);
  });

  test("the limit is said when it is near, and how much is too much", () => {
    expect(roomLeft("x".repeat(29_999))).toBe("");
    expect(roomLeft("x".repeat(31_999))).toBe("1 character left");
    expect(roomLeft("x".repeat(32_001))).toBe("1 character too many: a question may have 32,000 characters. All of your text is kept.");
    expect([isTooLong("x".repeat(32_000)), isTooLong(`${"x".repeat(32_000)}\n`), isTooLong("x".repeat(32_001))]).toEqual([false, false, true]);
  });

  test("up and down go through what was asked, and back to what was being written", () => {
    const questions = ["One", "Two"];
    const up = step({ back: 0, draft: "dra" }, questions, 1)!;
    const upAgain = step(up.recall, questions, 1)!;
    expect([up.text, upAgain.text, step(upAgain.recall, questions, 1)]).toEqual(["Two", "One", null]);
    expect(step(step(upAgain.recall, questions, -1)!.recall, questions, -1)!.text).toBe("dra");
    expect(step({ back: 0, draft: "" }, questions, -1)).toBeNull();
  });
});

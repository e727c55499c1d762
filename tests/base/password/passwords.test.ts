import { describe, expect, test } from "bun:test";
import { Passwords, parsePasswordList } from "../../../src/base/password/passwords.ts";

const LIMITS = { timeMaxMs: 10_000 };

/** The candidates from `texts`, in the order in which they are tried. */
function candidates(texts: readonly string[], listed: readonly string[] = []): string[] {
  const tried: string[] = [];
  const passwords = new Passwords({ listed, texts: () => texts }, LIMITS, () => 0);
  passwords.find((password) => {
    tried.push(password);
    return undefined;
  });
  return tried;
}

describe("Passwords", () => {
  test.each([
    ["The password is Xy-77!", "Xy-77!"],
    ["Password: 4711", "4711"],
    ['the password for the archive is "two2"', "two2"],
    ["Passwort lautet: geheim9", "geheim9"],
    ["mot de passe : ouvre-toi", "ouvre-toi"],
    ["La contraseña es abrete", "abrete"],
    ["Пароль: открой", "открой"],
    ["密码：8888", "8888"],
    ["PIN=0815", "0815"],
    ["pw: (bracketed)", "bracketed"],
    ["Pass code:\n\n  next-line", "next-line"],
  ])("tries what %p tells among the first", (text, password) => {
    expect(candidates([text]).slice(0, 4)).toContain(password);
  });

  test("tries words of texts, the list, and the usual ones", () => {
    const tried = candidates(["open it with mellon, friend"], ["from the list"]);
    for (const word of ["mellon", "from the list", "infected"]) expect(tried).toContain(word);
  });

  test("is bounded in number, length and time", () => {
    const many = Array.from({ length: 50 }, (_, i) =>
      Array.from({ length: 2000 }, (_x, n) => `w${i}x${n}`).join(" "),
    );
    expect(candidates([...many, `password: ${"x".repeat(500)}`]).length).toBeLessThan(2100);
    let now = 0;
    const passwords = new Passwords({ listed: [], texts: () => many }, LIMITS, () => now++);
    let count = 0;
    const closed = () => {
      count++;
      return undefined;
    };
    for (let archive = 0; archive < 5; archive++) passwords.find(closed);
    expect(count).toBeLessThan(2600);
  });

  test("tries first what has opened something before, and does not read texts for it", () => {
    let reads = 0;
    const texts = () => {
      reads++;
      return ["password: opener"];
    };
    const passwords = new Passwords({ listed: [], texts }, LIMITS, () => 0);
    const open = (password: string) => (password === "opener" ? "content" : undefined);
    expect(passwords.find(open)).toEqual({ password: "opener", opened: "content" });
    expect(passwords.find(open)).toEqual({ password: "opener", opened: "content" });
    expect(reads).toBe(1);
  });
});

test("parsePasswordList() reads plain lists and ClamAV's", () => {
  const text = "# a comment\nplain word\n\nName;Engine:81-255;0;from clamav\r\nOther;;1;6869\n";
  expect(parsePasswordList(text)).toEqual(["plain word", "from clamav", "hi"]);
});

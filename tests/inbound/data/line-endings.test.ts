import { expect, test } from "bun:test";
import {
  createLineFilter,
  type LineFilter,
  NormalisingFilter,
  RefusingFilter,
} from "../../../src/inbound/data/line-endings.ts";
import { SmtpError } from "../../../src/reply.ts";

// All ways of cutting a short text in up to three chunks.
function* cuts(text: string): Generator<string[]> {
  for (let first = 0; first <= text.length; first++) {
    for (let second = first; second <= text.length; second++) {
      yield [text.slice(0, first), text.slice(first, second), text.slice(second)];
    }
  }
}

function run(filter: LineFilter, chunks: readonly string[]): string {
  const taken = chunks.map((chunk) => filter.take(Buffer.from(chunk, "latin1")));
  return Buffer.concat([...taken, filter.end()]).toString("latin1");
}

function refusalOf(chunks: readonly string[]): string {
  try {
    run(new RefusingFilter(), chunks);
  } catch (error) {
    if (error instanceof SmtpError) return error.reply.text;
    throw error;
  }
  return "";
}

const SOUND = ["", "\r\n", "a\r\n", "a\r\nb", "\r\n\r\n\r\n", "\r\n.\r\n", "\xff\r\n\x80"];

test.each(SOUND)("sound text %p passes untouched, however it is cut", (text) => {
  for (const chunks of cuts(text)) {
    expect(run(new RefusingFilter(), chunks)).toBe(text);
    expect(run(new NormalisingFilter(), chunks)).toBe(text);
  }
});

test.each([
  ["\n", "\r\n"],
  ["\r", "\r\n"],
  ["a\nb", "a\r\nb"],
  ["a\rb", "a\r\nb"],
  ["\r\r\n", "\r\n\r\n"],
  ["\r\n\r", "\r\n\r\n"],
  ["\n\r", "\r\n\r\n"],
  ["\n\n", "\r\n\r\n"],
  ["\r\r\r", "\r\n\r\n\r\n"],
  ["\r\n\n.\r\n", "\r\n\r\n.\r\n"],
  ["\n.\n", "\r\n.\r\n"],
  ["\r.\r\n", "\r\n.\r\n"],
])("bare line endings in %p are refused, or made %p, however it is cut", (text, expected) => {
  for (const chunks of cuts(text)) {
    expect(refusalOf(chunks)).toBe("Lines must end in CRLF");
    expect(run(new NormalisingFilter(), chunks)).toBe(expected);
  }
});

test("NUL is refused, or dropped", () => {
  for (const chunks of cuts("a\0b\r\n")) {
    expect(refusalOf(chunks)).toContain("NUL");
    expect(run(new NormalisingFilter(), chunks)).toBe("ab\r\n");
  }
});

test("random bytes come out of the normalising filter so that the refusing one takes them", () => {
  const alphabet = ["\r", "\n", "\r\n", "a", ".", "\0", "bcd"];
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let round = 0; round < 5000; round++) {
    const chunks = Array.from({ length: 4 }, () =>
      Array.from({ length: random(5) }, () => alphabet[random(alphabet.length)]).join(""),
    );
    const out = run(new NormalisingFilter(), chunks);
    const text = chunks.join("").replaceAll("\0", "");
    const isSame = out === text.replace(/\r\n|\r|\n/g, "\r\n");
    // A NUL between CR and LF parts them in one reading and not in the other; both are sound.
    if (!chunks.join("").includes("\0")) expect(isSame).toBe(true);
    expect(refusalOf([out])).toBe("");
  }
});

test("createLineFilter() makes what the setting says", () => {
  expect(createLineFilter("refuse")).toBeInstanceOf(RefusingFilter);
  expect(createLineFilter("normalise")).toBeInstanceOf(NormalisingFilter);
});

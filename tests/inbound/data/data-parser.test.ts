import { expect, test } from "bun:test";
import { DataParser } from "../../../src/inbound/data/data-parser.ts";

/** What a message and the command line behind it come out as, fed in these chunks. */
async function parse(chunks: readonly string[]): Promise<{ body?: string; commands: string[] }> {
  const parser = new DataParser();
  const commands: string[] = [];
  parser.oncommand = (command, callback) => {
    commands.push(command.toString("latin1"));
    callback?.();
  };
  const stream = parser.startDataMode();
  const taken: Buffer[] = [];
  let isOver = false;
  stream.on("data", (chunk: Buffer) => taken.push(Buffer.from(chunk)));
  stream.on("end", () => {
    isOver = true;
    parser.continue();
  });
  for (const chunk of chunks) {
    if (chunk === "") continue;
    await new Promise<void>((resolve) =>
      parser.write(Buffer.from(chunk, "latin1"), () => resolve()),
    );
  }
  const body = Buffer.concat(taken).toString("latin1");
  return isOver ? { body, commands } : { commands };
}

// RFC 5321 §4.5.2, written down plainly: lines end in CRLF and in nothing else.
function model(text: string): { body: string; rest: string } | undefined {
  const whole = `\r\n${text}`;
  const end = whole.indexOf("\r\n.\r\n");
  if (end < 0) return undefined;
  const body = whole
    .slice(0, end + 2)
    .replaceAll("\r\n.", "\r\n")
    .slice(2);
  return { body, rest: whole.slice(end + 5) };
}

test.each([
  [".\r\n", ""],
  ["\r\n.\r\n", "\r\n"],
  ["a\r\n.\r\n", "a\r\n"],
  ["..\r\n.\r\n", ".\r\n"],
  ["...\r\n.\r\n", "..\r\n"],
  [".a\r\n.\r\n", "a\r\n"],
  ["a.\r\n.b\r\n..c\r\n.\r\n", "a.\r\nb\r\n.c\r\n"],
  ["..\r\n..\r\n..\r\n.\r\n", ".\r\n.\r\n.\r\n"],
])("the message %p is %p, cut anywhere", async (text, body) => {
  for (let first = 0; first <= text.length; first++) {
    for (let second = first; second <= text.length; second++) {
      const chunks = [text.slice(0, first), text.slice(first, second), text.slice(second)];
      expect(await parse(chunks)).toEqual({ body, commands: [] });
    }
  }
});

test.each([
  "\n.\n",
  "\n.\r\n",
  "\r\n.\n",
  "\r.\r\n",
  "\r.\r",
  "\r\n.\r",
  "\r\r\n.\r\r\n",
  ".\n",
  "\n.\r\n\n",
])("%p does not end a message", async (text) => {
  expect((await parse([`x${text}NOOP\r\n`])).body).toBeUndefined();
  for (const byte of `x${text}NOOP\r\n`) expect(byte).toHaveLength(1);
  expect((await parse([...`x${text}NOOP\r\n`])).body).toBeUndefined();
});

test("bytes behind the end are commands", async () => {
  expect(await parse(["a\r\n.\r\nNOOP\r\nQUIT\r\n"])).toEqual({
    body: "a\r\n",
    commands: ["NOOP", "QUIT"],
  });
});

test.each([
  ["small", 6, ["a", "bcdef"]],
  ["large", 90, ["a", "bcdef", "seventeen letters"]],
])("random bytes in %s random chunks come out as RFC 5321 says", async (_, sizeMax, words) => {
  const alphabet = ["\r", "\n", "\r\n", ".", "..", "\r\n.", "\r\n..", ...words];
  let state = 42;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  for (let round = 0; round < 3000; round++) {
    const units = Array.from(
      { length: random(2 * sizeMax) },
      () => alphabet[random(alphabet.length)],
    );
    const text = `${units.join("")}\r\n.\r\nQUIT\r\n`;
    const chunks: string[] = [];
    for (let at = 0; at < text.length; ) {
      const size = 1 + random(sizeMax);
      chunks.push(text.slice(at, at + size));
      at += size;
    }
    const expected = model(text);
    const { body } = await parse(chunks);
    expect({ text, body }).toEqual({ text, body: expected?.body });
  }
});

test("a message of nothing but stuffed dots keeps every second one", async () => {
  const chunk = "..\r\n".repeat(16_384);
  const { body } = await parse([...new Array<string>(16).fill(chunk), ".\r\n"]);
  expect(body).toBe(".\r\n".repeat(16_384 * 16));
});

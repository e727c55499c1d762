import { expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import { ClientGoneError, Reception } from "../../../src/inbound/data/reception.ts";
import type { Transaction } from "../../../src/pipeline/intake.ts";
import { REPLIES, SmtpError } from "../../../src/reply.ts";

const SETTINGS = { messageSizeMax: 100, bareLineEnding: "refuse" } as const;

function transactionOf(write: Transaction["write"] = () => undefined) {
  const seen = { bytes: "", aborted: 0 };
  const transaction: Transaction = {
    id: "T",
    write: (chunk) => {
      seen.bytes += Buffer.from(chunk).toString("latin1");
      return write(chunk);
    },
    finish: () => Promise.reject(new Error("not here")),
    abort: () => {
      seen.aborted++;
    },
  };
  return { transaction, seen };
}

function replyOf(error: unknown): number {
  return error instanceof SmtpError ? error.reply.code : 0;
}

test("run() carries all bytes and counts them", async () => {
  const { transaction, seen } = transactionOf();
  const reception = new Reception(transaction, SETTINGS);
  const stream = new PassThrough();
  const done = reception.run(stream);
  stream.write("one\r\n");
  stream.end("two\r\n");
  await done;
  expect(seen).toEqual({ bytes: "one\r\ntwo\r\n", aborted: 0 });
  expect(reception.size).toBe(10);
});

test("run() waits for the pipeline before it takes more", async () => {
  const waits: (() => void)[] = [];
  const { transaction, seen } = transactionOf(() => new Promise((resolve) => waits.push(resolve)));
  const stream = new PassThrough();
  const done = new Reception(transaction, SETTINGS).run(stream);
  stream.write("one\r\n");
  stream.write("two\r\n");
  stream.end();
  await Promise.resolve();
  for (const expected of ["one\r\n", "one\r\ntwo\r\n"]) {
    while (waits.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(seen.bytes).toBe(expected);
    expect(stream.isPaused()).toBe(true);
    waits.pop()?.();
  }
  await done;
});

test.each([
  ["too large", "x".repeat(101), REPLIES.messageTooBig.code],
  ["with a bare LF", "a\nb\r\n", REPLIES.bareLineEnding.code],
  ["with a NUL", "a\0\r\n", 550],
])(
  "run() refuses a message that is %s, once it is all read, and keeps nothing",
  async (...given) => {
    const [, text, code] = given;
    const { transaction, seen } = transactionOf();
    const stream = new PassThrough();
    const done = new Reception(transaction, SETTINGS).run(stream);
    stream.write(text);
    stream.write("and more\n");
    stream.end("x".repeat(1000));
    expect(replyOf(await done.catch((error: unknown) => error))).toBe(code);
    expect(seen.aborted).toBe(1);
    expect(seen.bytes).toBe("");
  },
);

test.each([
  [
    "throws",
    () => () => {
      throw new SmtpError(REPLIES.storageFull);
    },
  ],
  ["rejects", () => () => Promise.reject(new SmtpError(REPLIES.storageFull))],
])("run() passes on what write() %s, and aborts", async (_, write) => {
  const { transaction, seen } = transactionOf(write());
  const stream = new PassThrough();
  const done = new Reception(transaction, SETTINGS).run(stream);
  stream.write("one\r\n");
  stream.end("two\r\n");
  expect(replyOf(await done.catch((error: unknown) => error))).toBe(452);
  expect(seen.aborted).toBe(1);
});

test("run() aborts when the client is gone, with an error or without", async () => {
  for (const error of [undefined, new Error("reset")]) {
    const { transaction, seen } = transactionOf();
    const stream = new PassThrough();
    const done = new Reception(transaction, SETTINGS).run(stream);
    stream.write("half a mess");
    stream.destroy(error);
    expect(await done.catch((reason: unknown) => reason)).toBeInstanceOf(ClientGoneError);
    expect(seen.aborted).toBe(1);
  }
});

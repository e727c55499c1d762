import { describe, expect, test } from "bun:test";
import {
  generateKey,
  isSignedBy,
  KeyError,
  readKey,
  readKeyLabel,
  signHex,
  writeKey,
} from "../../../src/base/key/signing-key.ts";

const none = () => undefined;
const message = Buffer.from("what is signed");

test("a key signs, and only it and only that", () => {
  const key = generateKey();
  const signature = signHex(message, key);
  expect(isSignedBy(message, signature, key.publicHex)).toBe(true);
  expect(isSignedBy(Buffer.from("another"), signature, key.publicHex)).toBe(false);
  expect(isSignedBy(message, signature, generateKey().publicHex)).toBe(false);
  expect(isSignedBy(message, "zz", key.publicHex)).toBe(false);
  expect(isSignedBy(message, signature, "00")).toBe(false);
});

test("a key file gives the same key back", () => {
  const key = generateKey();
  const again = readKey(writeKey(key, undefined), none);
  expect(again.publicHex).toBe(key.publicHex);
  expect(isSignedBy(message, signHex(message, again), key.publicHex)).toBe(true);
});

describe("a sealed key file", () => {
  const key = generateKey();
  const text = writeKey(key, "correct horse");
  const secret = JSON.parse(writeKey(key, undefined)).seed as string;

  test("does not hold the secret in clear", () => expect(text).not.toContain(secret));

  test("opens with its passphrase, in any composition of its characters", () => {
    expect(readKey(text, () => "correct horse").publicHex).toBe(key.publicHex);
    const composed = writeKey(key, "h\u00e9");
    expect(readKey(composed, () => "he\u0301").publicHex).toBe(key.publicHex);
  });

  test("stays shut without it", () => {
    expect(() => readKey(text, () => "wrong")).toThrow("the passphrase is wrong");
    expect(() => readKey(text, none)).toThrow("a passphrase is needed");
  });
});

test("a label tells whose key a file is without opening it", () => {
  const key = generateKey();
  const { publicHex } = key;
  expect(readKeyLabel(writeKey(key, undefined))).toEqual({ publicHex, isSealed: false });
  expect(readKeyLabel(writeKey(key, "phrase"))).toEqual({ publicHex, isSealed: true });
  expect(() => readKeyLabel('{"gwKey":1,"public":"x"}')).toThrow('"public" is no key');
});

const good = JSON.parse(writeKey(generateKey(), undefined));
const sealed = { salt: "00".repeat(16), nonce: "00".repeat(12), data: "00".repeat(48) };
test.each([
  ["text", "no key at all", "it is not JSON"],
  ["another file", '{"a":1}', '"gwKey" is missing'],
  ["null", "null", '"gwKey" is missing'],
  ["a later format", JSON.stringify({ ...good, gwKey: 2 }), "newer gw"],
  ["a short seed", JSON.stringify({ ...good, seed: "00" }), 'neither "seed" nor "sealed"'],
  ["a wrong half", JSON.stringify({ ...good, public: "00".repeat(32) }), "not the public half"],
  ["a sealed stump", JSON.stringify({ gwKey: 1, sealed: { salt: 1 } }), 'neither "seed" nor'],
  ["a sealed fake", JSON.stringify({ gwKey: 1, sealed }), "the passphrase is wrong"],
  ["a flood", " ".repeat(20_000), "too large"],
])("readKey() refuses %s", (_name, text, reason) => {
  const read = () => readKey(text, () => "any");
  expect(read).toThrow(KeyError);
  expect(read).toThrow(reason);
});

import { expect, test } from "bun:test";
import { readings, transferEncoding } from "../../src/entity/transfer.ts";
import { base64Lines, uuencode, yencode } from "../harness/encode.ts";
import { textOf } from "../harness/extracts.ts";

test.each([
  [" base64", "base64"],
  ["BASE64 ", "base64"],
  [' "base64"', "base64"],
  ["(comment) base64; x", "base64"],
  ["x-base64", "base64"],
  ["Quoted-Printable", "quoted-printable"],
  ["quoted_printable", "quoted-printable"],
  ["x-uuencode", "uuencode"],
  ["x-uue", "uuencode"],
  ["x-yencode", "yenc"],
  ["8bit", "identity"],
  ["x-unheard-of", "identity"],
  ["", "identity"],
] as const)("transferEncoding(%j) is %s", (value, expected) => {
  expect(transferEncoding(value)).toBe(expected);
});

const LONG = "a payload that is long enough to be taken for base64 when it is encoded";

test.each([
  ["identity", "identity", "plain", ["plain"]],
  ["base64", "base64", base64Lines("content"), ["content"]],
  ["quoted-printable", "quoted-printable", "a=3Db", ["a=b"]],
  ["uuencode", "uuencode", uuencode("x", "content"), ["content"]],
  ["yEnc", "yenc", yencode("x", "content"), ["content"]],
  ["base64 that is not declared", "identity", base64Lines(LONG), [base64Lines(LONG), LONG]],
  ["base64 in quoted-printable", "quoted-printable", `${base64Lines(LONG)}=\r\n`, [LONG]],
  [
    "plain text declared as base64",
    "base64",
    "Hi! (not base64...) :-)",
    ["Hi! (not base64...) :-)"],
  ],
  ["plain text declared as uuencode", "uuencode", "!!plain", ["!!plain"]],
] as const)("readings() gives %s", (_, encoding, body, expected) => {
  const texts = readings(Buffer.from(body, "latin1"), encoding).map(({ bytes }) => textOf(bytes));
  expect(texts).toEqual(expect.arrayContaining([...expected]));
});

test("readings() copies nothing where nothing is encoded", () => {
  const body = Buffer.from("as it is");
  expect(readings(body, "identity")[0]?.bytes).toBe(body);
});

test("readings() tells the names written inside", () => {
  const body = Buffer.from(uuencode("a.exe", "one") + uuencode("b.exe", "two"));
  expect(readings(body, "uuencode").map(({ name }) => name)).toEqual(["a.exe", "b.exe"]);
});

import { expect, test } from "bun:test";
import {
  decodeCharset,
  decodePercent,
  decodeWords,
  eightBitText,
} from "../../src/entity/charset.ts";

const latin1 = (text: string) => Buffer.from(text).toString("latin1");

test.each([
  ["no words", "plain", "plain"],
  ["Q", "=?utf-8?Q?Gr=C3=BC=C3=9Fe_an_alle?=", "Grüße an alle"],
  ["B, lower case", "=?ISO-8859-1?b?R3L832U=?=", "Grüße"],
  ["text around", "Re: =?utf-8?q?=C3=A9?= and more", "Re: é and more"],
  ["white space between words", "=?utf-8?q?a?= \r\n =?utf-8?q?b?=", "ab"],
  ["a character cut in two", "=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"],
  ["words of two charsets", "=?utf-8?q?=C3=A9?= =?iso-8859-1?q?=E9?=", "éé"],
  ["a language", "=?utf-8*de?q?=C3=A9?=", "é"],
  ["KOI8-R", "=?koi8-r?B?8NLJ18XU?=", "Привет"],
  ["an unknown charset", "=?x-nonsense?q?=C3=A9?=", "é"],
  ["a word that is never closed", "=?utf-8?q?abc", "=?utf-8?q?abc"],
])("decodeWords() with %s", (_, text, expected) => {
  expect(decodeWords(text)).toBe(expected);
});

test("eightBitText() takes raw header bytes as UTF-8, and as latin1 if they are not", () => {
  expect(eightBitText(latin1("größer"))).toBe("größer");
  expect(eightBitText("gr\xf6\xdfer")).toBe("größer");
  expect(eightBitText("ascii")).toBe("ascii");
});

test("decodePercent() keeps one character per byte, and what is no code", () => {
  expect(decodePercent("%C3%a9%zz%4")).toBe("\xc3\xa9%zz%4");
});

test("decodeCharset() never throws, whatever the label", () => {
  for (const label of ["", "utf-8", "UTF-16LE", "x-none", "*", "'\"", "\0"]) {
    expect(typeof decodeCharset(Buffer.from([0xff, 0xfe, 0x41]), label)).toBe("string");
  }
});

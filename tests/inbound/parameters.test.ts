import { expect, test } from "bun:test";
import {
  decodeXtext,
  type MailParameters,
  parseMailParameters,
  parseRcptParameters,
  type RcptParameters,
} from "../../src/inbound/parameters.ts";
import { SmtpError } from "../../src/reply.ts";

const PLAIN = { size: -1, isUtf8: false, body: "7bit" } as const;

const mails: [string, Partial<MailParameters>][] = [
  ["", {}],
  ["SIZE=0", { size: 0 }],
  ["size=1000", { size: 1000 }],
  ["BODY=8BITMIME", { body: "8bitmime" }],
  ["BODY=7bit SMTPUTF8", { isUtf8: true }],
  ["RET=FULL", { ret: "full" }],
  ["RET=hdrs  ENVID=a+3Db", { ret: "hdrs", envid: "a=b" }],
  // "=" should be "+3D"; nobody is hurt by taking it as it is.
  ["ENVID=a=b", { envid: "a=b" }],
];

test.each(mails)("parseMailParameters(%p)", (text, expected) => {
  expect(parseMailParameters(text, { sizeMax: 1000 })).toEqual({ ...PLAIN, ...expected });
});

test.each([
  ["SIZE=1001", 552],
  ["SIZE=99999999999999999999", 552],
  ["SIZE=-1", 501],
  ["SIZE=", 501],
  ["SIZE", 501],
  ["SIZE=1 SIZE=1", 501],
  ["SIZE=1 size=1", 501],
  ["BODY=BINARYMIME", 501],
  ["SMTPUTF8=1", 501],
  ["SMTPUTF8=", 501],
  ["RET=SOME", 501],
  ["ENVID=a+2b", 501],
  ["ENVID=a+0A", 501],
  ["ENVID=a+7F", 501],
  ["ENVID=ä", 501],
  [`ENVID=${"x".repeat(101)}`, 501],
  ["=1", 501],
  ["-X=1", 501],
  ["SI\tZE=1", 501],
  ["X".repeat(20).split("").join(" "), 501],
  ["NOTIFY=NEVER", 555],
  ["AUTH=<>", 555],
  ["constructor=1", 555],
])("parseMailParameters(%p) is refused with %d", (text, code) => {
  expect(codeOf(() => parseMailParameters(text, { sizeMax: 1000 }))).toBe(code);
});

const rcpts: [string, RcptParameters][] = [
  ["", {}],
  ["NOTIFY=NEVER", { notify: ["never"] }],
  ["notify=success,FAILURE,Delay", { notify: ["success", "failure", "delay"] }],
  ["NOTIFY=DELAY,DELAY", { notify: ["delay"] }],
  ["ORCPT=rfc822;a+2Bb@example.org", { orcpt: "rfc822;a+2Bb@example.org" }],
  ["ORCPT=utf-8;\\x{444}@example.org", { orcpt: "utf-8;\\x{444}@example.org" }],
];

test.each(rcpts)("parseRcptParameters(%p)", (text, expected) => {
  expect(parseRcptParameters(text, false)).toEqual(expected);
});

test("parseRcptParameters() takes ORCPT in UTF-8 under SMTPUTF8 only", () => {
  const text = "ORCPT=utf-8;имя@example.org";
  expect(parseRcptParameters(text, true)).toEqual({ orcpt: "utf-8;имя@example.org" });
  expect(codeOf(() => parseRcptParameters(text, false))).toBe(501);
});

test.each([
  ["NOTIFY=", 501],
  ["NOTIFY=NEVER,DELAY", 501],
  ["NOTIFY=DELAY,", 501],
  ["NOTIFY=ALWAYS", 501],
  ["ORCPT=a@example.org", 501],
  ["ORCPT=rfc822;", 501],
  ["ORCPT=;a", 501],
  ["ORCPT=rfc822;a+0Db", 501],
  ["ORCPT=rfc822;a+zz", 501],
  [`ORCPT=rfc822;${"x".repeat(500)}`, 501],
  ["SIZE=1", 555],
])("parseRcptParameters(%p) is refused with %d", (text, code) => {
  expect(codeOf(() => parseRcptParameters(text, false))).toBe(code);
});

test("decodeXtext() undoes what RFC 3461 §4 encodes, once", () => {
  expect(decodeXtext("a+2Bb+3Dc+2B2B")).toBe("a+b=c+2B");
});

function codeOf(work: () => unknown): number {
  try {
    work();
  } catch (error) {
    if (error instanceof SmtpError) return error.reply.code;
    throw error;
  }
  return 0;
}

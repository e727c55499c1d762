// Mail that is much to read: parts, header lines, boundaries and messages without number.
import { uuencode } from "../../harness/encode.ts";
import type { Bomb } from "./bomb.ts";

const HEAD = "From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n";
const text = (...pieces: readonly string[]) => Buffer.from(pieces.join(""), "latin1");

// Each multipart in its parent, with a boundary of its own.
function deepMultiparts(depth: number): Buffer {
  const open = Array.from(
    { length: depth },
    (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
  );
  return text(HEAD, ...open, "\r\nthe end\r\n");
}

// One boundary for all levels: each delimiter line ends or begins a part of any of them.
function sameBoundary(depth: number): Buffer {
  const level = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
  return text(HEAD, level.repeat(depth), "\r\nthe end\r\n");
}

// Many Content-Type fields with a boundary each, and a body in which all of them occur.
function rivalBoundaries(count: number): Buffer {
  const fields = Array.from(
    { length: count },
    (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n`,
  );
  const lines = Array.from({ length: count }, (_, i) => `--b${i}\r\n\r\nx\r\n`);
  return text(HEAD, ...fields, "\r\n", lines.join("").repeat(20));
}

const lines = (line: string, count: number) => line.repeat(count);

/** Whole mails. */
export const MAIL_BOMBS: readonly Bomb[] = [
  {
    name: "mail, 1,000,000 parts",
    wouldBe: "1,000,000 objects",
    build: () =>
      text(
        HEAD,
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
        lines("--b\r\n\r\nx\r\n", 1e6),
      ),
  },
  {
    name: "mail, 1,000,000 header lines",
    wouldBe: "1,000,000 fields",
    build: () => text(HEAD, lines("X-A: b\r\n", 1e6), "\r\nx\r\n"),
  },
  {
    name: "mail, 200,000 Content-Type fields",
    wouldBe: "200,000 readings",
    build: () => text(HEAD, lines("Content-Type: text/html; name=a\r\n", 2e5), "\r\nx\r\n"),
  },
  {
    name: "mail, one header field of 20 MB",
    wouldBe: "one field",
    build: () => text(HEAD, "X-A: ", lines("abcdefghi\r\n ", 1.6e6), "\r\n\r\nx\r\n"),
  },
  {
    name: "mail, 500,000 parameters of one field",
    wouldBe: "500,000 parameters",
    build: () =>
      text(HEAD, "Content-Type: text/plain", lines(";\r\n name*0=a", 5e5), "\r\n\r\nx\r\n"),
  },
  { name: "multiparts, 50,000 deep", wouldBe: "50,000 parts", build: () => deepMultiparts(50_000) },
  {
    name: "multiparts with one boundary, 50,000 deep",
    wouldBe: "50,000² parts",
    build: () => sameBoundary(50_000),
  },
  {
    name: "messages in messages, 100,000 deep",
    wouldBe: "100,000 messages",
    build: () => text(HEAD, lines("Content-Type: message/rfc822\r\n\r\n", 1e5), "x\r\n"),
  },
  {
    name: "boundary of 5 MB",
    wouldBe: "a search of 5 MB for 5 MB",
    build: () => {
      const boundary = "b".repeat(5e6);
      return text(HEAD, `Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\n--${boundary}`);
    },
  },
  {
    name: "boundary that nearly occurs, often",
    wouldBe: "a search in n²",
    harmless: "ten megabytes of hyphens, all of them looked at in linear time",
    build: () =>
      text(
        ...[HEAD, `Content-Type: multipart/mixed; boundary="${"-".repeat(60)}x"\r\n\r\n`],
        lines(`${"-".repeat(998)}\r\n`, 10_000),
      ),
  },
  { name: "1,000 rival boundaries", wouldBe: "1,000² parts", build: () => rivalBoundaries(1000) },
  {
    name: "300,000 uuencoded files in text",
    wouldBe: "300,000 objects",
    build: () => text(HEAD, "\r\n", lines(uuencode("a", "x"), 3e5)),
  },
  {
    name: "mbox of 300,000 mails",
    wouldBe: "300,000 messages",
    build: () =>
      text(lines("From a Sun Nov 22 10:00:00 2026\nFrom: a@example.org\nSubject: x\n\nx\n\n", 3e5)),
  },
].map((bomb) => ({ ...bomb, isMail: true }));

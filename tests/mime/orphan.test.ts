import { expect, test } from "bun:test";
import { findOrphans } from "../../src/mime/orphan.ts";

function orphans(text: string): string[] {
  const bytes = Buffer.from(text, "latin1");
  const ranges = findOrphans(bytes, { start: 0, end: bytes.length });
  return ranges.map(({ start, end }) => text.slice(start, end));
}

const PART = 'Content-Type: x/y; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n';

test.each([
  ["behind prose", `This is your message:\r\n\r\n${PART}`, [PART]],
  ["at the start", PART, [PART]],
  ["behind a delimiter line", `--b\r\n${PART}--b--\r\n`, [PART.slice(0, -2)]],
  ["twice", `--b\r\n${PART}--b\r\n${PART}`, [PART.slice(0, -2), PART]],
  ["in upper case", `\r\n${PART.toUpperCase()}`, [PART.toUpperCase()]],
  ["with quoted-printable", "\nContent-Transfer-Encoding: quoted-printable\n\nx", undefined],
])("findOrphans() finds a part %s", (_, text, expected) => {
  if (expected === undefined) expect(orphans(text).length).toBe(1);
  else expect(orphans(text)).toEqual(expected);
});

test.each([
  "Content-Transfer-Encoding: 7bit\r\n\r\ntext",
  "the Content-Transfer-Encoding: base64 field",
  "nothing",
])("findOrphans() finds none in %j", (text) => {
  expect(orphans(text)).toEqual([]);
});

test("findOrphans() looks across the seams of its chunks, and is bounded", () => {
  const text = `${"x".repeat(1_048_560)}\r\n${PART}`;
  expect(orphans(text)).toEqual([PART]);
  expect(orphans(`--b\r\n${PART}`.repeat(500)).length).toBe(200);
});

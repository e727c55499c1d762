import { expect, test } from "bun:test";
import { explodeCalendar } from "../../../src/unpack/mail/calendar.ts";
import { unpackerFor } from "../../../src/unpack/registry.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";

const BASE64 = Buffer.from("content of a file").toString("base64");
const entry = (...lines: string[]) =>
  Buffer.from(["BEGIN:VCALENDAR", ...lines, "END:VCALENDAR", ""].join("\r\n"), "latin1");
const open = (bytes: Buffer) =>
  drain(explodeCalendar(bytes, budgetOf())).extracts.map((one) => [
    one.name,
    one.declaredType,
    textOf(one.bytes),
  ]);

test.each<[string, string[], string, string]>([
  [
    "an attachment",
    [`ATTACH;FMTTYPE=application/PDF;ENCODING=BASE64;VALUE=BINARY;X-FILENAME="a.pdf":${BASE64}`],
    "a.pdf",
    "application/pdf",
  ],
  [
    "a folded one",
    ["ATTACH;ENCO", ` DING=BASE64:${BASE64.slice(0, 5)}`, ` ${BASE64.slice(5)}`],
    "ATTACH",
    "",
  ],
  ["a picture of a contact", [`item1.PHOTO;ENCODING=b;TYPE=JPEG:${BASE64}`], "PHOTO", ""],
  ["one of an old contact", [`KEY;BASE64:${BASE64}`], "KEY", ""],
])("explodeCalendar() gives %s", (_, lines, name, type) => {
  expect(open(entry("VERSION:2.0", ...lines, "SUMMARY:x"))).toEqual([
    [name, type, "content of a file"],
  ]);
});

test("explodeCalendar() leaves out what is no base64", () => {
  expect(
    open(entry("ATTACH:https://example.org/a.pdf", "NOTE;ENCODING=QUOTED-PRINTABLE:a=20b")),
  ).toEqual([]);
});

test("calendars are read as text as well", () => {
  const page = Buffer.from(`<script>${"x".repeat(60)}</script>`).toString("base64");
  const bytes = entry(`URL:data:text/html;base64,${page}`, `ATTACH;ENCODING=BASE64:${BASE64}`);
  const unpack = unpackerFor("ics");
  const names = unpack && drain(unpack(bytes, budgetOf())).extracts.map(({ name }) => name);
  expect(names).toEqual(["ATTACH", "data url"]);
});

test("explodeCalendar() is bounded and linear", () => {
  const many = entry(...Array<string>(600).fill(`ATTACH;ENCODING=BASE64:${BASE64}`));
  expect(drain(explodeCalendar(many, budgetOf())).status).toBe("unscanned");
  const startedAt = performance.now();
  open(Buffer.from("\n ".repeat(500_000)));
  open(Buffer.from("A;ENCODING=".repeat(100_000)));
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

import { expect, test } from "bun:test";
import { explodeText } from "../../src/unpack/inline.ts";
import { uuencode, yencode } from "../harness/encode.ts";
import { budgetOf, drain, textOf } from "../harness/extracts.ts";
import { buildZip } from "./build-zip.ts";

const filesIn = (text: string) =>
  drain(explodeText(Buffer.from(text, "latin1"), budgetOf())).extracts.map(
    ({ name, declaredType, bytes }) => [name, declaredType, textOf(bytes)],
  );

const CONTENT =
  "<script>content that is longer than a tracking pixel's, so that it counts</script>";
const BASE64 = Buffer.from(CONTENT).toString("base64");

test("explodeText() gives uuencode and yEnc blocks", () => {
  expect(
    filesIn(`Hi\r\n${uuencode("a.exe", "one")}${uuencode("b", "two")}${yencode("c", "three")}`),
  ).toEqual([
    ["a.exe", "", "one"],
    ["b", "", "two"],
    ["c", "", "three"],
  ]);
});

test.each([
  ["in a link", `<a href="data:text/html;base64,${BASE64}">`, "text/html"],
  ["with a charset", `<a href='data:text/html;charset=utf-8;base64,${BASE64}'>`, "text/html"],
  ["in upper case", `<A HREF="DATA:TEXT/HTML;BASE64,${BASE64}">`, "text/html"],
  ["without type", `url(data:;base64,${BASE64})`, ""],
  ["with percent codes", `"data:text/html;base64,${BASE64.replace("=", "%3D")}"`, "text/html"],
  ["with line ends", `"data:text/html;base64,${BASE64.replace(/.{20}/g, "$&\n")}"`, "text/html"],
  ["of a drawing with scripts", `"data:image/svg+xml;base64,${BASE64}"`, "image/svg+xml"],
])("explodeText() gives a data: URL %s", (_, text, type) => {
  expect(filesIn(text)).toEqual([["data url", type, CONTENT]]);
});

test.each([
  ["a picture", `<img src="data:image/png;base64,${BASE64}">`],
  ["a small one", '<a href="data:text/plain;base64,aGVsbG8=">'],
  ["one without base64", '<a href="data:text/plain,hello">'],
  ["the word", "the data: URL scheme"],
])("explodeText() leaves out %s", (_, text) => {
  expect(filesIn(text)).toEqual([]);
});

test("explodeText() gives archives that scripts carry as base64", () => {
  const zip = buildZip([{ name: "a.js", bytes: Buffer.from("x".repeat(50) + Math.PI), method: 0 }]);
  const large = Buffer.concat([zip, Buffer.alloc(200)]);
  const found = filesIn(`<script>const file = "${large.toString("base64")}"; save(file)</script>`);
  expect(found).toEqual([["base64 string", "", textOf(large)]]);
});

test("explodeText() takes a data: URL with an archive once", () => {
  const zip = Buffer.concat([buildZip([{ name: "a", bytes: Buffer.alloc(9) }]), Buffer.alloc(300)]);
  const found = filesIn(`"data:application/zip;base64,${zip.toString("base64")}"`);
  expect(found.length).toBe(1);
});

test("explodeText() is bounded", () => {
  const text = Buffer.from(uuencode("a", "x").repeat(1500));
  expect(drain(explodeText(text, budgetOf())).status).toBe("unscanned");
  expect(drain(explodeText(text, budgetOf({ objectCountMax: 3 }))).status).toBe("unscanned");
});

test.each([
  ["data: without end", "data:".repeat(200_000)],
  ["parameters without end", `data:${";x".repeat(400_000)}`],
  ["begin lines", "begin 644 x\n".repeat(80_000)],
  ["=ybegin lines", "=ybegin x\n".repeat(80_000)],
  ["markers", "UEsDB.".repeat(150_000)],
])("explodeText() is linear in %s", (_, text) => {
  const startedAt = performance.now();
  filesIn(text);
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

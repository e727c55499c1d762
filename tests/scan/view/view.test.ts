// The views of HTML and text that signatures may ask for; what clamscan 1.4.6 finds in the same.
import { expect, test } from "bun:test";
import { VIEW_TYPES } from "../../../src/gwdb/view-types.ts";
import { type View, viewsOf } from "../../../src/scan/view/view.ts";
import { scanningWith } from "../../signature/clamav/scanning.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const views = (text: string, type: string, wanted: readonly View["type"][] = VIEW_TYPES) =>
  [...viewsOf(bytes(text), type, (each) => wanted.includes(each))].map((view) =>
    Buffer.from(view.bytes).toString("latin1"),
  );

const HTML = [
  "<html><HEAD></head><BODY>\n",
  `<A HREF="http://X.example/Path" Target=_blank  Title='Q  r'>Click   HERE</A>`,
  "<!-- Secret Comment --><b>te</b>st &#65;Bc &lt;Tag &nbsp;x\xe9<br/>",
  `<script>var X = 1; // cc\n document.Write("AbC" + "d");</script>`,
  "<STYLE>P { Color:Red }</STYLE></BODY></html>",
].join("");

test.each([
  ["click here", true],
  ['href="http://x.example/path"', true],
  ["target=_blank", true],
  ['title="q r"', true],
  ["<b>te</b>st", true],
  ["abc <tag", true],
  ["<br/>", true],
  ['document.write("abcd")', true],
  ["<script>", true],
  ["here</a>", true],
  ["here te st", true],
  ["tag x", true],
  ["secret comment", false],
  ["p { color:red }", false],
  ["clickhere", false],
])("a signature for HTML finds %s: %p", async (text, isFound) => {
  const line = `x:3:*:${bytes(text).toString("hex")}`;
  const scanning = await scanningWith([{ path: "x.ndb", bytes: Buffer.from(line) }]);
  expect(scanning.scan(bytes(HTML)).names).toEqual(isFound ? ["x"] : []);
});

test("viewsOf() folds text, and leaves out what is not ASCII", () => {
  expect(views("Hello \t\r\n W\xf6RLD\x01!", "text")).toEqual(["hello wrld!"]);
  expect(views("has a\0NUL", "text")).toEqual([]);
});

test("viewsOf() makes only what is wanted, and nothing of other types", () => {
  expect(views("<b>A</b>", "html", ["text-view"])).toEqual([]);
  expect(views("<b>A</b>", "html")).toEqual(["<b>a</b>", " a "]);
  expect(views("MZ", "pe")).toEqual([]);
});

test("views are for signatures that ask for them: others see the bytes as they are", async () => {
  const hex = bytes("click here").toString("hex");
  const lines = `any:0:*:${hex}\nhtml:3:*:${hex}\ntext:7:*:${hex}`;
  const scanning = await scanningWith([{ path: "x.ndb", bytes: Buffer.from(lines) }]);
  expect(scanning.scan(bytes("<html><body>Click   HERE</body>")).names).toEqual(["html"]);
  expect(scanning.scan(bytes("Just Click   HERE, it is text\n")).names).toEqual(["text"]);
  expect(scanning.scan(bytes("just click here, it is text\n")).names).toEqual(["any", "text"]);
});

test("viewsOf() takes whatever is called HTML, in time linear in its size", () => {
  for (const piece of ["<", "<a ", "<!--", "&#", "&lt", "<script>'", "<style>", "<a b='", '"+"']) {
    const [tagged = "", plain = ""] = views(piece.repeat(20_000), "html");
    expect(tagged.length).toBeLessThanOrEqual(piece.length * 20_000 + 1);
    expect(plain.length).toBeLessThanOrEqual(piece.length * 20_000 + 1);
  }
});

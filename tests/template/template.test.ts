import { describe, expect, test } from "bun:test";
import { TEMPLATE_KINDS } from "../../src/template/macros.ts";
import { parseTemplate, TEMPLATE_LENGTH_MAX } from "../../src/template/parse.ts";
import {
  checkTemplate,
  RENDERED_LENGTH_MAX,
  renderTemplate,
  sampleValues,
} from "../../src/template/render.ts";
import { LANGUAGES, shippedTemplate } from "../../src/template/shipped.ts";
import { seededRandom } from "../harness/sample-mail.ts";

const VALUES = {
  STATUS: "infected",
  EMPTY: "",
  RECPT_ADDR: [{ text: "a@example.org" }, { text: "b@example.net" }],
  OBJECT: [
    { text: "a.zip", values: { SIZE: "1", VIRUS: [{ text: "V.One" }, { text: "V.Two" }] } },
    { text: "b.txt", values: { SIZE: "2", VIRUS: [] } },
  ],
  CRLF: "\r\n",
};

const render = (source: string) => renderTemplate(parseTemplate(source), VALUES);

test.each([
  ["a macro", "is %STATUS%.", "is infected."],
  ["a macro nobody knows", "[%NONE%]", "[]"],
  ["several values at once", "%RECPT_ADDR%", "a@example.org, b@example.net"],
  ["a FOR", '<FOR RECPT_ADDR == "*">%RECPT_ADDR%;</FOR>', "a@example.org;b@example.net;"],
  ["a mask", '<FOR RECPT_ADDR == "*.NET">%RECPT_ADDR%</FOR>', "b@example.net"],
  ["a negated mask", '<FOR RECPT_ADDR != "*.net">%RECPT_ADDR%</FOR>', "a@example.org"],
  ["one value as a condition", '<FOR STATUS == "inf*">yes</FOR><FOR EMPTY != "">no</FOR>', "yes"],
  [
    "a FOR in a FOR",
    '<FOR OBJECT == "*">%OBJECT%:<FOR VIRUS == "*">%VIRUS% in %OBJECT% %SIZE%,</FOR></FOR>',
    "a.zip:V.One in a.zip 1,V.Two in a.zip 1,b.txt:",
  ],
  ["a definition", '<DEF NAME="x \\"y\\""/>%NAME% %NAME%', 'x "y" x "y"'],
  ["a definition in its scope only", '<FOR STATUS == "*"><DEF A="1"/>%A%</FOR>[%A%]', "1[]"],
  ["escapes", "\\%STATUS\\% \\<b\\> \\# \\\\ \\/", "%STATUS% <b> # \\ /"],
  ["comments", "# all of this\nkept # not this\nkept", "kept \nkept"],
  ["line ends by macro", "a%CRLF%b", "a\r\nb"],
])("renderTemplate() fills in %s", (_, source, text) => {
  expect(parseTemplate(source).problems).toEqual([]);
  expect(render(source)).toBe(text);
});

test.each([
  ["100% sure", 1, 4, 'a "%" that begins no macro'],
  ["ok\nx <b>", 2, 3, 'a "<" that begins no FOR or DEF'],
  ["<FOR OBJECT>x</FOR>", 1, 1, "not of the form"],
  ['a\n\n  <FOR OBJECT == "*">x', 3, 3, "<FOR OBJECT> has no </FOR>"],
  ["x</FOR>", 1, 2, "</FOR> without"],
  ["\\n", 1, 1, 'a "\\" stands before'],
  ['<FOR OBJECT == "*">'.repeat(9) + "</FOR>".repeat(9), 1, 153, "more than 8 FOR"],
  ["x".repeat(TEMPLATE_LENGTH_MAX + 1), 1, 1, "longer than"],
])("parseTemplate() tells what is wrong, and where: %#", (source, line, column, message) => {
  const problems = parseTemplate(source).problems;
  expect(problems[0]).toEqual({ line, column, message: expect.stringContaining(message) });
});

test.each([
  ["%STATSU%", "there is no macro %STATSU% here; did you mean %STATUS%?"],
  ["%OBJECT_NAME%", '%OBJECT_NAME% is only known inside <FOR OBJECT == "*">'],
  ["%VIRUS_TEXT%", "there is no macro %VIRUS_TEXT% here"],
  ['<FOR OBJEKT == "*"></FOR>', "there is no macro %OBJEKT% here; did you mean %OBJECT%?"],
])("checkTemplate() finds %s", (source, message) => {
  const { problems } = checkTemplate(source, "notice-admin");
  expect(problems.map((one) => one.message)).toEqual([expect.stringContaining(message)]);
});

test.each([
  [
    "disclaimer-html",
    '<p style="width: 100%">#1 %GROUP%\\n</p>',
    '<p style="width: 100%">#1 sales\\n</p>',
  ],
  ["disclaimer-html", "# a comment\n<b>%GROUP%</b>", "<b>sales</b>"],
  ["mark", "# <%GROUP%> 100%", "# <sales> 100%"],
] as const)("in a %s what is no instruction stands for itself: %s", (kind, source, text) => {
  const template = checkTemplate(source, kind);
  expect(template.problems).toEqual([]);
  expect(renderTemplate(template, { GROUP: "sales" })).toBe(text);
});

describe("shipped texts", () => {
  for (const language of LANGUAGES) {
    test.each([...TEMPLATE_KINDS])(`%s in ${language} has no problem and renders`, (kind) => {
      const template = checkTemplate(shippedTemplate(kind, language), kind);
      expect(template.problems).toEqual([]);
      const text = renderTemplate(template, sampleValues(kind));
      expect(text).not.toMatch(/%[A-Z_]+%|<\/?FOR|<DEF/);
      expect(text.startsWith("Subject: ")).toBe(/notice|digest|event|dsn/.test(kind));
    });
  }
});

test("rendering is bounded whatever a template repeats", () => {
  const items = Array.from({ length: 1000 }, () => ({ text: "y".repeat(1000) }));
  const source = '<FOR X == "*"><FOR Y == "*">%Y%</FOR></FOR>';
  const text = renderTemplate(parseTemplate(source), { X: items, Y: items });
  expect(text.length).toBeLessThanOrEqual(RENDERED_LENGTH_MAX);
});

test("no text makes the parser or the renderer throw", () => {
  const random = seededRandom(7);
  const pieces = [
    '<FOR OBJECT == "',
    '*">',
    "</FOR>",
    "%STATUS%",
    "%",
    "<",
    "\\",
    "#",
    "\n",
    '<DEF A="',
    '"/>',
    "x",
  ];
  for (let round = 0; round < 3000; round++) {
    let source = "";
    for (let n = 0; n < 12; n++) source += pieces[Math.floor(random() * pieces.length)];
    const kinds = ["notice-admin", "disclaimer-html", "mark"] as const;
    const template = checkTemplate(source, kinds[round % kinds.length] ?? "mark");
    expect(typeof renderTemplate(template, VALUES)).toBe("string");
    for (const { line, column } of template.problems) expect(line * column).toBeGreaterThan(0);
  }
});

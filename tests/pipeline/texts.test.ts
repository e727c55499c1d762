import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Texts } from "../../src/pipeline/policy/texts.ts";
import { renderTemplate } from "../../src/template/render.ts";
import { group } from "../policy/samples.ts";
import { cleanUp, KeptLog, tempFolder } from "../store/samples.ts";

afterEach(cleanUp);

const VALUES = { HOSTNAME: "mx.example", GROUP: "R&D", SUBJECT: "<b>" };

function place(files: Readonly<Record<string, string>>) {
  const folder = join(tempFolder(), "texts");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return { folder, log: new KeptLog() };
}

const rulesOf = (more: object) => group(more).rules;

describe("a notice's text is", () => {
  const files = {
    "notice-admin.tmpl": "Subject: own\n\nown text",
    "notice-admin.fr.tmpl": "Subject: fr\n\nen français",
  };
  test.each([
    ["the shipped one in its language", "notice-sender", "de", "eingestuft"],
    ["the shipped English one where there is none", "notice-sender", "fr", "found your message"],
    ["the site's own in its language", "notice-admin", "fr", "en français"],
    ["the site's own for all others", "notice-admin", "de", "own text"],
  ] as const)("%s", (_, kind, language, expected) => {
    const { folder, log } = place(files);
    const rules = rulesOf({ templates_dir: folder, language });
    const text = renderTemplate(new Texts(log).template(kind, rules), VALUES);
    expect(text).toContain(expected);
  });
});

test("an edited text counts at once; a broken one is logged once and the last good one goes on", () => {
  const { folder, log } = place({ "digest.tmpl": "Subject: one\n\n1" });
  const texts = new Texts(log);
  const rules = rulesOf({ templates_dir: folder });
  const now = () => renderTemplate(texts.template("digest", rules), VALUES);
  expect(now()).toContain("1");
  writeFileSync(join(folder, "digest.tmpl"), "Subject: two\n\n22");
  expect(now()).toContain("22");
  writeFileSync(join(folder, "digest.tmpl"), "Subject: two\n\n%BROKEN%");
  expect(now()).toContain("22");
  expect(now()).toContain("22");
  expect(log.lines.filter((line) => line.includes("template-not-used")).length).toBe(1);
  rmSync(join(folder, "digest.tmpl"));
  expect(now()).toContain("more notices");
});

test("a file that a setting names and that is gone goes on as it was", () => {
  const { folder, log } = place({ "mine.tmpl": "kept" });
  const texts = new Texts(log);
  const rules = rulesOf({ placeholder: join(folder, "mine.tmpl") });
  expect(texts.placeholder(rules)).toBe("kept");
  rmSync(join(folder, "mine.tmpl"));
  expect(texts.placeholder(rules)).toBe("kept");
});

test("a disclaimer has a plain form and one in HTML, in which values are escaped", () => {
  const { folder, log } = place({
    "d.tmpl": "-- \n%GROUP% < all\\%\n".replace("<", "\\<"),
    "d-html.tmpl": '# a comment\n<p style="width: 100%; color: #333">%GROUP%</p>',
  });
  const texts = new Texts(log);
  const disclaimer = join(folder, "d.tmpl");
  const plain = texts.disclaimer(rulesOf({ disclaimer }), VALUES);
  expect(plain).toEqual({
    text: "-- \nR&D < all%\n",
    html: "<p>-- <br>R&amp;D &lt; all%</p>",
  });
  const markup = rulesOf({ disclaimer, disclaimer_html: join(folder, "d-html.tmpl") });
  expect(texts.disclaimer(markup, VALUES).html).toBe(
    '<p style="width: 100%; color: #333">R&amp;D</p>',
  );
});

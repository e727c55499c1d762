import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Macro, macrosOf, TEMPLATE_KINDS } from "../../src/template/macros.ts";
import { emptyFolder, gw } from "./mail-folder.ts";

const { folder, remove } = emptyFolder();
const at = (name: string) => join(folder, name);
afterAll(remove);

test("gw template check tells file, line and column, and exits 2", async () => {
  writeFileSync(at("notice-admin.de.tmpl"), "Subject: x\n\n%STATSU%\n  100%\n");
  const { code, err } = await gw("template", "check", at("notice-admin.de.tmpl"));
  expect(code).toBe(2);
  expect(err).toContain("notice-admin.de.tmpl:3:1: there is no macro %STATSU% here");
  expect(err).toContain("notice-admin.de.tmpl:4:6: ");
});

test("gw template check takes a folder, in which a file of no kind is a mistake", async () => {
  const texts = at("texts");
  mkdirSync(texts);
  await expect(gw("template", "check", texts)).rejects.toThrow("no file whose name ends in .tmpl");
  writeFileSync(join(texts, "digest.fr.tmpl"), "Subject: x\n\n%COUNT%\n");
  writeFileSync(join(texts, "mark.tmpl"), "[%STATUS% 100% #1]");
  expect((await gw("template", "check", texts)).out).toBe("2 templates, no mistakes\n");
  writeFileSync(join(texts, "digst.tmpl"), "");
  await expect(gw("template", "check", texts)).rejects.toThrow("perhaps digest");
});

test("gw template source gives what check and render take", async () => {
  for (const kind of TEMPLATE_KINDS) {
    const { out } = await gw("template", "source", kind, "--language", "de");
    writeFileSync(at(`${kind}.tmpl`), out);
    expect((await gw("template", "check", at(`${kind}.tmpl`))).code).toBe(0);
    const rendered = await gw("template", "render", at(`${kind}.tmpl`));
    const shipped = await gw("template", "render", "--kind", kind, "--language", "de");
    expect(rendered).toEqual(shipped);
  }
});

test.each([
  [["source", "placeholdr"], "perhaps placeholder"],
  [["render"], "name a file"],
  [["render", "--kind", "digest", "--language", "xx"], "only en, de"],
  [["check", "/nowhere/digest.tmpl"], "can't be read"],
])("gw template %p says what is wrong", async (words, message) => {
  await expect(gw("template", ...words)).rejects.toThrow(message);
});

test("gw template macros and docs/templates.md name every macro", async () => {
  const document = readFileSync("docs/templates.md", "utf8");
  const names = (list: readonly Macro[]): string[] =>
    list.flatMap(({ name, fields = [] }) => [name, ...names(fields)]);
  for (const kind of TEMPLATE_KINDS) {
    const { out } = await gw("template", "macros", kind);
    for (const name of names(macrosOf(kind))) {
      expect(out).toContain(`%${name}%`);
      expect(document).toContain(`| \`%${name}%\` |`);
    }
  }
});

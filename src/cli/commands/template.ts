// `gw template …`: help for those who write the texts that gw puts into messages and notices.
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { templateFiles } from "../../pipeline/policy/texts.ts";
import { type Macro, macrosOf, TEMPLATE_KINDS, type TemplateKind } from "../../template/macros.ts";
import { checkTemplate, renderTemplate, sampleValues } from "../../template/render.ts";
import { LANGUAGES, type Language, shippedTemplate } from "../../template/shipped.ts";
import { nearest } from "../../text/nearest.ts";
import { printable } from "../../text/printable.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { counted, drawTable } from "../view/table.ts";

const FILE_SIZE_MAX = 1 << 20;
const KIND = {
  type: "string",
  valueHint: "KIND",
  description: "what the text is for, if its file name does not say: notice-admin or the like",
} as const;
const LANGUAGE = {
  type: "string",
  valueHint: "LANGUAGE",
  description: `a shipped text's language: ${LANGUAGES.join(", ")} (default: en)`,
} as const;

function kindOf(word: string): TemplateKind {
  const found = TEMPLATE_KINDS.find((kind) => kind === word);
  if (found !== undefined) return found;
  const near = nearest(word, TEMPLATE_KINDS);
  const hint = near === undefined ? `one of ${TEMPLATE_KINDS.join(", ")}` : `perhaps ${near}`;
  throw new CliError(`${printable(word)} is no kind of text (${hint}); see --kind`);
}

function languageOf(word: string | undefined): Language {
  const found = LANGUAGES.find((language) => language === (word ?? "en"));
  if (found !== undefined) return found;
  throw new CliError(
    `there are no texts in ${printable(word ?? "")}, only ${LANGUAGES.join(", ")}`,
  );
}

function read(path: string): string {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > FILE_SIZE_MAX) throw new Error("it is too large for a template");
    return bytes.toString("utf8");
  } catch (error) {
    throw new CliError(`${path} can't be read: ${(error as Error).message}`, { cause: error });
  }
}

// A template's file is named for what it is: notice-admin.tmpl, also notice-admin.de.tmpl.
const kindOfFile = (path: string) => kindOf(basename(path).replace(/\..*$/, ""));

// A folder stands for the templates in it.
function templatesAt(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const files = templateFiles(path).map((file) => file.path);
    if (files.length > 0) return files;
  } catch {
    // Reading it as a file says what is wrong.
    return [path];
  }
  throw new CliError(`${path} has no file whose name ends in .tmpl`);
}

/** `gw template check` */
export const check = command({ kind: KIND, json: OPTIONS.json }, (args, terminal) => {
  let count = 0;
  const paths = args._.flatMap(templatesAt);
  for (const path of paths) {
    const kind = args.kind === undefined ? kindOfFile(path) : kindOf(args.kind);
    for (const problem of checkTemplate(read(path), kind).problems) {
      const { line, column, message } = problem;
      count++;
      if (args.json === true) terminal.out(`${JSON.stringify({ file: path, ...problem })}\n`);
      else terminal.err(`${path}:${line}:${column}: ${message}\n`);
    }
  }
  if (count > 0) return EXIT.error;
  if (args.json !== true) terminal.out(`${counted(paths.length, "template")}, no mistakes\n`);
  return EXIT.good;
});

/** `gw template render` */
export const render = command({ kind: KIND, language: LANGUAGE }, (args, terminal) => {
  const [path] = args._;
  if (path === undefined && args.kind === undefined) {
    throw new CliError("name a file, or with --kind a shipped text");
  }
  const kind = args.kind === undefined ? kindOfFile(path ?? "") : kindOf(args.kind);
  const source = path === undefined ? shippedTemplate(kind, languageOf(args.language)) : read(path);
  const template = checkTemplate(source, kind);
  for (const { line, column, message } of template.problems) {
    terminal.err(`${path}:${line}:${column}: ${message}\n`);
  }
  if (template.problems.length > 0) return EXIT.error;
  terminal.out(renderTemplate(template, sampleValues(kind)));
  return EXIT.good;
});

/** `gw template source` */
export const source = command({ language: LANGUAGE }, (args, terminal) => {
  terminal.out(shippedTemplate(kindOf(args._[0] ?? ""), languageOf(args.language)));
  return EXIT.good;
});

/** `gw template macros` */
export const macros = command({ json: OPTIONS.json }, (args, terminal) => {
  const all = flattened(macrosOf(kindOf(args._[0] ?? "notice-admin")), "");
  if (args.json === true) {
    for (const each of all) terminal.out(`${JSON.stringify(each)}\n`);
    return EXIT.good;
  }
  const columns = [{ title: "MACRO" }, { title: "INSIDE" }, { title: "MEANING" }];
  const rows = all.map(({ name, inside, doc }) => [`%${name}%`, inside, doc]);
  terminal.out(drawTable(terminal, columns, rows));
  return EXIT.good;
});

function flattened(
  list: readonly Macro[],
  inside: string,
): { name: string; inside: string; doc: string }[] {
  return list.flatMap(({ name, doc, fields = [] }) => [
    { name, inside, doc },
    ...flattened(fields, `FOR ${name}`),
  ]);
}

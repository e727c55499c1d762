// The texts that gw writes into mail: a site's own templates, or the shipped ones. Files are read
// when they have changed, so that an edited text counts at once; one that an edit broke does not
// stop mail: the last good one goes on.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileStampIfSeen } from "../../base/file/file-stamp.ts";
import { describeError, type Log } from "../../base/log.ts";
import type { RuleSettings } from "../../config/tables.ts";
import { TEMPLATE_KINDS, type TemplateKind } from "../../template/macros.ts";
import { TEMPLATE_LENGTH_MAX, type Template } from "../../template/parse.ts";
import { checkTemplate, renderTemplate, type Values } from "../../template/render.ts";
import { shippedTemplate } from "../../template/shipped.ts";
import { escapeHtml } from "../../text/html.ts";

/** UTF-8 takes up to four bytes for a character. */
const FILE_SIZE_MAX = 4 * TEMPLATE_LENGTH_MAX;
/** Files that are remembered; a site has a few dozen. */
const KEPT_MAX = 1000;

/** The rules that say which texts are used. */
export type TextRules = Pick<RuleSettings, "templates_dir" | "language">;

/** Source of a template and what it was parsed to. */
interface Text {
  readonly source: string;
  readonly template: Template;
}

/** What a template file is for, by its name: `KIND.tmpl` or `KIND.LANGUAGE.tmpl`. */
export interface TemplateFile {
  readonly path: string;
  /** As the name has it; may be none that there is. */
  readonly kind: string;
  readonly language: string;
}

/** The template files of a folder, by name; throws if it can't be read. */
export function templateFiles(folder: string): readonly TemplateFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".tmpl") && !name.startsWith("."))
    .sort()
    .map((name) => {
      const [kind = "", ...rest] = basename(name, ".tmpl").split(".");
      return { path: join(folder, name), kind, language: rest.join(".") };
    });
}

/** Whether a word is a kind of text. */
export function isTemplateKind(word: string): word is TemplateKind {
  return TEMPLATE_KINDS.some((kind) => kind === word);
}

/** The source of a template file; throws what is wrong with it, with its first line that is. */
export function readTemplate(path: string, kind: TemplateKind): string {
  return read(path, kind).source;
}

function read(path: string, kind: TemplateKind): Text {
  if (statSync(path).size > FILE_SIZE_MAX) {
    throw new Error(`${path}: larger than ${FILE_SIZE_MAX} bytes`);
  }
  const source = readFileSync(path, "utf8");
  const template = checkTemplate(source, kind);
  const [problem] = template.problems;
  if (problem !== undefined) {
    throw new Error(`${path}:${problem.line}:${problem.column}: ${problem.message}`);
  }
  return { source, template };
}

interface Kept {
  readonly stamp: string;
  readonly text: Text | undefined;
}

/** Gives texts by the rules of a group. */
export class Texts {
  readonly #log: Log;
  readonly #kept = new Map<string, Kept>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** The template of a kind for a group: its own, its language's, or the shipped one. */
  template(kind: TemplateKind, rules: TextRules): Template {
    return this.#text(kind, rules).template;
  }

  /** Source of the template of what takes an object's place. */
  placeholder(rules: RuleSettings): string {
    const own = this.#named(rules.placeholder, "placeholder");
    return (own ?? this.#text("placeholder", rules)).source;
  }

  /** The text below a message, as plain text and as HTML. */
  disclaimer(rules: RuleSettings, values: Values): { text: string; html: string } {
    const plain = this.#named(rules.disclaimer, "disclaimer") ?? this.#text("disclaimer", rules);
    const text = renderTemplate(plain.template, values);
    const markup = this.#named(rules.disclaimer_html, "disclaimer-html");
    const html =
      markup === undefined
        ? `<p>${escapeHtml(text.trim()).replaceAll(/\r?\n/g, "<br>")}</p>`
        : renderTemplate(markup.template, escapedValues(values));
    return { text, html };
  }

  #text(kind: TemplateKind, { templates_dir: folder, language }: TextRules): Text {
    if (folder !== "") {
      for (const name of [`${kind}.${language}.tmpl`, `${kind}.tmpl`]) {
        const found = this.#file(join(folder, name), kind, false);
        if (found !== undefined) return found;
      }
    }
    const source = shippedTemplate(kind, language);
    return { source, template: checkTemplate(source, kind) };
  }

  // A file that a setting names; "" names none.
  #named(path: string, kind: TemplateKind): Text | undefined {
    return path === "" ? undefined : this.#file(path, kind, true);
  }

  // The file as it is now, or as it was when it was last in order; undefined if it never was.
  #file(path: string, kind: TemplateKind, isNamed: boolean): Text | undefined {
    const key = `${kind} ${path}`;
    const known = this.#kept.get(key);
    const stamp = fileStampIfSeen(path);
    if (known?.stamp === stamp) return known.text;
    // In a folder a file that is gone is no mistake: the next one in the order counts.
    if (stamp === "" && !isNamed) return this.#keep(key, { stamp, text: undefined });
    try {
      return this.#keep(key, { stamp, text: read(path, kind) });
    } catch (error) {
      this.#log.error("template-not-used", { path, cause: describeError(error) });
      return this.#keep(key, { stamp, text: known?.text });
    }
  }

  #keep(key: string, kept: Kept): Text | undefined {
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
    this.#kept.set(key, kept);
    return kept.text;
  }
}

function escapedValues(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "string"
        ? escapeHtml(value)
        : value.map(({ text, values: inner = {} }) => {
            return { text: escapeHtml(text), values: escapedValues(inner) };
          }),
    ]),
  );
}

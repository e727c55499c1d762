// The texts that policy writes into mail: a site's own templates, or the shipped ones.

import { readFileSync, statSync } from "node:fs";
import type { RuleSettings } from "../../config/tables.ts";
import type { TemplateKind } from "../../template/macros.ts";
import { TEMPLATE_LENGTH_MAX } from "../../template/parse.ts";
import { checkTemplate, renderTemplate, type Values } from "../../template/render.ts";
import { shippedTemplate } from "../../template/shipped.ts";

/** UTF-8 takes up to four bytes for a character. */
const FILE_SIZE_MAX = 4 * TEMPLATE_LENGTH_MAX;

/** The source of a template file; throws what is wrong with it, with its first line that is. */
export function readTemplate(path: string, kind: TemplateKind): string {
  if (statSync(path).size > FILE_SIZE_MAX) {
    throw new Error(`${path}: larger than ${FILE_SIZE_MAX} bytes`);
  }
  const source = readFileSync(path, "utf8");
  const [problem] = checkTemplate(source, kind).problems;
  if (problem !== undefined) {
    throw new Error(`${path}:${problem.line}:${problem.column}: ${problem.message}`);
  }
  return source;
}

/** Gives texts by the rules of a group. Files are read each time: they may have been edited. */
export class Texts {
  /** Template of what takes an object's place. Throws as `readTemplate`. */
  placeholder({ placeholder, language }: RuleSettings): string {
    return placeholder === ""
      ? shippedTemplate("placeholder", language)
      : readTemplate(placeholder, "placeholder");
  }

  /** The text below a message, as plain text and as HTML. */
  disclaimer({ disclaimer }: RuleSettings, values: Values): { text: string; html: string } {
    const template = checkTemplate(readTemplate(disclaimer, "disclaimer"), "disclaimer");
    const text = renderTemplate(template, values);
    return { text, html: `<p>${escapeHtml(text.trim()).replaceAll(/\r?\n/g, "<br>")}</p>` };
  }
}

function escapeHtml(text: string): string {
  const codes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  return text.replaceAll(/[&<>]/g, (char) => codes[char] ?? char);
}

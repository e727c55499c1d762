// Fills templates in, and checks them: every macro known, every one where it has a value.

import { nearest } from "../text/nearest.ts";
import { matchesWildcard } from "../text/wildcard.ts";
import { type Macro, macrosOf, syntaxOf, type TemplateKind } from "./macros.ts";
import {
  parseTemplate,
  type Spot,
  type Template,
  type TemplateNode,
  type TemplateProblem,
} from "./parse.ts";

/** One value of a macro with several: its text, and the macros known inside its FOR. */
export interface Item {
  readonly text: string;
  readonly values?: Values;
}

/** What the macros stand for. */
export interface Values {
  readonly [name: string]: string | readonly Item[];
}

/** Characters that a rendered text may have; it is cut there. */
export const RENDERED_LENGTH_MAX = 262_144;
const STEPS_MAX = 100_000;

/** Parses a template and checks it against the macros of its kind. */
export function checkTemplate(source: string, kind: TemplateKind): Template {
  const template = parseTemplate(source, syntaxOf(kind));
  const problems: TemplateProblem[] = [...template.problems];
  const known = new Map(macrosOf(kind).map((one) => [one.name, one]));
  checkNodes(template.nodes, [known], problems);
  problems.sort((a, b) => a.line - b.line || a.column - b.column);
  return { nodes: template.nodes, problems };
}

type Scope = ReadonlyMap<string, Macro>;

// Recursion is bounded by the parser, which counts FOR in each other.
function checkNodes(
  nodes: readonly TemplateNode[],
  scopes: readonly Scope[],
  problems: TemplateProblem[],
): void {
  const own = new Map<string, Macro>();
  const inner = [...scopes, own];
  const find = (name: string) => inner.findLast((scope) => scope.has(name))?.get(name);
  for (const node of nodes) {
    if (node.kind === "define") own.set(node.name, { name: node.name, doc: "", example: "" });
    if (node.kind === "macro" && find(node.name) === undefined) {
      problems.push(unknown(node, node.name, inner));
    }
    if (node.kind !== "for") continue;
    const macro = find(node.name);
    if (macro === undefined) problems.push(unknown(node, node.name, inner));
    const fields = new Map((macro?.fields ?? []).map((one) => [one.name, one]));
    // Inside its FOR the macro is one value, and no list any more.
    if (macro !== undefined) fields.set(macro.name, { ...macro, fields: [] });
    checkNodes(node.body, [...inner, fields], problems);
  }
}

function unknown(spot: Spot, name: string, scopes: readonly Scope[]): TemplateProblem {
  const { line, column } = spot;
  const all = scopes.flatMap((scope) => [...scope.values()]);
  const owner = all.find((macro) => macro.fields?.some((field) => field.name === name));
  if (owner !== undefined) {
    const message = `%${name}% is only known inside <FOR ${owner.name} == "*">`;
    return { line, column, message };
  }
  const close = nearest(
    name,
    all.flatMap((macro) => [macro.name, ...(macro.fields ?? []).map((field) => field.name)]),
  );
  const hint = close === undefined ? "" : `; did you mean %${close}%?`;
  return { line, column, message: `there is no macro %${name}% here${hint}` };
}

/** The text of a template with `values` filled in; never longer than `RENDERED_LENGTH_MAX`. */
export function renderTemplate(template: Template, values: Values): string {
  const run = { pieces: [] as string[], length: 0, steps: 0 };
  renderNodes(template.nodes, [values], run);
  return run.pieces.join("").slice(0, RENDERED_LENGTH_MAX);
}

/** A rendered text whose first line may be its subject. */
export interface Letter {
  readonly subject: string;
  /** Ends with a line end. */
  readonly body: string;
}

const SUBJECT_LENGTH_MAX = 200;

/** Splits a rendered text at its `Subject:` line; without one the subject is `otherwise`. */
export function letterOf(text: string, otherwise: string): Letter {
  const found = /^[ \t]*Subject:[ \t]*([^\r\n]*)(?:\r?\n)?(?:[ \t]*(?:\r?\n|$))?/i.exec(text);
  const subject = (found?.[1] ?? otherwise).slice(0, SUBJECT_LENGTH_MAX).trim();
  const body = text.slice(found?.[0].length ?? 0);
  return { subject, body: body.endsWith("\n") ? body : `${body}\n` };
}

interface RenderRun {
  readonly pieces: string[];
  length: number;
  steps: number;
}

function renderNodes(
  nodes: readonly TemplateNode[],
  scopes: readonly Values[],
  run: RenderRun,
): void {
  const own: Record<string, string> = {};
  const inner = [...scopes, own];
  const find = (name: string) => inner.findLast((scope) => Object.hasOwn(scope, name))?.[name];
  const put = (text: string) => {
    run.length += text.length;
    run.pieces.push(text);
  };
  for (const node of nodes) {
    if (++run.steps > STEPS_MAX || run.length > RENDERED_LENGTH_MAX) return;
    switch (node.kind) {
      case "text":
        put(node.text);
        break;
      case "define":
        own[node.name] = node.value;
        break;
      case "macro":
        put(textOf(find(node.name)));
        break;
      case "for":
        for (const item of itemsOf(find(node.name))) {
          const isMatch = matchesWildcard(node.mask.toLowerCase(), item.text.toLowerCase());
          if (isMatch === node.isNegated) continue;
          renderNodes(node.body, [...inner, { ...item.values, [node.name]: item.text }], run);
        }
        break;
      default:
        node satisfies never;
    }
  }
}

function textOf(value: string | readonly Item[] | undefined): string {
  if (value === undefined || typeof value === "string") return value ?? "";
  return value.map((item) => item.text).join(", ");
}

function itemsOf(value: string | readonly Item[] | undefined): readonly Item[] {
  if (value === undefined) return [];
  return typeof value === "string" ? [{ text: value }] : value;
}

/** Values for a template's sample: the examples of its macros. */
export function sampleValues(kind: TemplateKind): Values {
  return valuesOf(macrosOf(kind));
}

function valuesOf(macros: readonly Macro[]): Values {
  return Object.fromEntries(
    macros.map(({ name, example, fields }) => [
      name,
      fields === undefined ? example : [{ text: example, values: valuesOf(fields) }],
    ]),
  );
}

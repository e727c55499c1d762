// Reads templates: text with `%MACRO%`, `<FOR NAME == "mask">…</FOR>`, `<DEF NAME="value"/>`, `#`
// comments, and `\` before a character that would mean something else. The language of SMTP-Gateway
// 5.5 and its relatives, so that their texts can be brought along.

/** Where something stands; lines and columns count from 1. */
export interface Spot {
  readonly line: number;
  readonly column: number;
}

/** What is wrong with a template. */
export interface TemplateProblem extends Spot {
  readonly message: string;
}

/** A piece of a template. */
export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | ({ readonly kind: "macro"; readonly name: string } & Spot)
  | ({ readonly kind: "define"; readonly name: string; readonly value: string } & Spot)
  | ({
      readonly kind: "for";
      readonly name: string;
      readonly mask: string;
      readonly isNegated: boolean;
      readonly body: readonly TemplateNode[];
    } & Spot);

/** A parsed template. One with problems is not rendered. */
export interface Template {
  readonly nodes: readonly TemplateNode[];
  readonly problems: readonly TemplateProblem[];
}

/**
 * How strictly a template is read. `text`: what looks like an instruction must be one. `markup`:
 * HTML, where `<`, `%` and `#` mean other things too; only a `#` at a line's start is a comment.
 * `line`: one line in the configuration; like markup, without comments.
 */
export type Syntax = "text" | "markup" | "line";

/** Characters of a template. */
export const TEMPLATE_LENGTH_MAX = 65_536;
const DEPTH_MAX = 8;
const PROBLEMS_MAX = 50;

const MACRO = /%([A-Z][A-Z0-9_]{0,63})%/y;
const OPEN =
  /<FOR[ \t\r\n]+([A-Z][A-Z0-9_]{0,63})[ \t]*(==|!=)[ \t]*"((?:[^"\\\r\n]|\\.)*)"[ \t]*>/y;
const CLOSE = /<\/FOR[ \t]*>/y;
const DEFINE = /<DEF[ \t\r\n]+([A-Z][A-Z0-9_]{0,63})[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*\/>/y;
const PLAIN = /[^%<#\\]+/y;
// A comment that fills its line takes the line end with it.
const COMMENT = /#[^\r\n]*/y;

interface OpenLoop {
  readonly node: Extract<TemplateNode, { kind: "for" }> | undefined;
  readonly nodes: TemplateNode[];
}

/** Parses a template; what is wrong with it is in `problems`, never thrown. */
export function parseTemplate(source: string, syntax: Syntax = "text"): Template {
  return new Parser(source.slice(0, TEMPLATE_LENGTH_MAX), syntax).run(source.length);
}

class Parser {
  readonly #source: string;
  readonly #syntax: Syntax;
  readonly #problems: TemplateProblem[] = [];
  readonly #open: OpenLoop[] = [{ node: undefined, nodes: [] }];
  readonly #lines: number[] = [0];
  #at = 0;

  constructor(source: string, syntax: Syntax) {
    this.#source = source;
    this.#syntax = syntax;
    for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) {
      this.#lines.push(at + 1);
    }
  }

  run(length: number): Template {
    if (length > TEMPLATE_LENGTH_MAX) {
      this.#problem(0, `the template is longer than ${TEMPLATE_LENGTH_MAX} characters`);
    }
    while (this.#at < this.#source.length && this.#problems.length < PROBLEMS_MAX) this.#step();
    for (const { node } of this.#open.slice(1)) {
      if (node === undefined) continue;
      const { line, column, name } = node;
      this.#problems.push({ line, column, message: `<FOR ${name}> has no </FOR>` });
    }
    return { nodes: this.#open[0]?.nodes ?? [], problems: this.#problems };
  }

  #step(): void {
    const plain = this.#take(PLAIN);
    const next = this.#source[this.#at];
    if (plain !== undefined) this.#text(plain[0]);
    else if (next === "\\") this.#escape();
    else if (next === "#" && this.#isComment()) this.#comment();
    else if (next === "#") this.#literal();
    else if (next === "%") this.#macro();
    else this.#tag();
  }

  #escape(): void {
    const next = this.#source[this.#at + 1];
    if (next === undefined || !'%/<>#\\"'.includes(next)) {
      if (this.#syntax !== "text") {
        this.#literal();
        return;
      }
      this.#problem(this.#at, 'a "\\" stands before % / < > # " or another "\\"');
    }
    this.#text(next ?? "");
    this.#at += 2;
  }

  // The character as it stands.
  #literal(): void {
    this.#text(this.#source[this.#at] ?? "");
    this.#at++;
  }

  #isAtLineStart(): boolean {
    return this.#at === 0 || this.#source[this.#at - 1] === "\n";
  }

  #isComment(): boolean {
    return this.#syntax === "text" || (this.#syntax === "markup" && this.#isAtLineStart());
  }

  #comment(): void {
    const isWhole = this.#isAtLineStart();
    this.#take(COMMENT);
    if (!isWhole) return;
    if (this.#source[this.#at] === "\r") this.#at++;
    if (this.#source[this.#at] === "\n") this.#at++;
  }

  #macro(): void {
    const at = this.#at;
    const found = this.#take(MACRO);
    if (found !== undefined) {
      this.#push({ kind: "macro", name: found[1] ?? "", ...this.#spot(at) });
      return;
    }
    if (this.#syntax !== "text") {
      this.#literal();
      return;
    }
    this.#problem(at, 'a "%" that begins no macro such as %STATUS%; write "\\%" for the character');
    this.#at++;
  }

  #tag(): void {
    const at = this.#at;
    const loop = this.#take(OPEN);
    if (loop !== undefined) {
      this.#begin(at, loop);
      return;
    }
    if (this.#take(CLOSE) !== undefined) {
      this.#end(at);
      return;
    }
    const definition = this.#take(DEFINE);
    if (definition !== undefined) {
      const [, name = "", value = ""] = definition;
      this.#push({ kind: "define", name, value: unescaped(value), ...this.#spot(at) });
      return;
    }
    const isOurs = /^<\/?(?:FOR|DEF)\b/.test(this.#source.slice(at, at + 6));
    if (!isOurs && this.#syntax !== "text") {
      this.#literal();
      return;
    }
    const what = isOurs
      ? 'not of the form <FOR NAME == "mask"> or <DEF NAME="value"/>'
      : 'a "<" that begins no FOR or DEF; write "\\<" for the character';
    this.#problem(at, what);
    this.#at++;
  }

  #begin(at: number, [, name = "", operator, mask = ""]: RegExpExecArray): void {
    if (this.#open.length > DEPTH_MAX)
      this.#problem(at, `more than ${DEPTH_MAX} FOR in each other`);
    const nodes: TemplateNode[] = [];
    const node = {
      ...{ kind: "for" as const, name, mask: unescaped(mask), isNegated: operator === "!=" },
      ...{ body: nodes, ...this.#spot(at) },
    };
    this.#push(node);
    this.#open.push({ node, nodes });
  }

  #end(at: number): void {
    if (this.#open.length > 1) this.#open.pop();
    else this.#problem(at, "</FOR> without <FOR …> before it");
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }

  #text(text: string): void {
    this.#push({ kind: "text", text });
  }

  #push(node: TemplateNode): void {
    this.#open.at(-1)?.nodes.push(node);
  }

  #problem(at: number, message: string): void {
    this.#problems.push({ ...this.#spot(at), message });
  }

  #spot(at: number): Spot {
    let low = 0;
    let high = this.#lines.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#lines[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - (this.#lines[low] ?? 0) + 1 };
  }
}

function unescaped(text: string): string {
  return text.replace(/\\([\s\S])/g, "$1");
}

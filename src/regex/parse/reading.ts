// One expression while it is read: the place in its text, the letters that hold there, its groups.
import { ByteSet } from "../byte-set.ts";
import { GROUPS_MAX, type Node } from "../syntax.ts";
import { type Dialect, RegexError } from "../types.ts";

/** The letters that hold at a place, see RegexOptions. */
export interface Letters {
  readonly i: boolean;
  readonly s: boolean;
  readonly m: boolean;
  readonly x: boolean;
  /** Letter E. */
  readonly isEndOnly: boolean;
  /** Letter U. */
  readonly isLazy: boolean;
  /** Parentheses don't capture. */
  readonly n: boolean;
}

/** What an expression is read with. */
export interface ReadingOptions {
  readonly dialect: Dialect;
  readonly letters: Letters;
  readonly readChoice: () => Node;
  readonly readBranch: () => Node;
}

/** What is asked of a text: its next characters, step by step. A character is a byte. */
export class Reading {
  readonly text: string;
  readonly dialect: Dialect;
  /** Reads alternatives up to the next unpaired parenthesis or the end. */
  readonly readChoice: () => Node;
  /** Reads one alternative. */
  readonly readBranch: () => Node;
  at = 0;
  letters: Letters;
  groupCount = 0;
  /** Numbers of the groups that have this name. */
  readonly names = new Map<string, number[]>();
  // Nodes of bytes are all alike.
  readonly #bytes = new Map<number, Node>();
  readonly #checks: (() => void)[] = [];

  constructor(text: string, options: ReadingOptions) {
    this.text = text;
    this.dialect = options.dialect;
    this.letters = options.letters;
    this.readChoice = options.readChoice;
    this.readBranch = options.readBranch;
  }

  get isPcre(): boolean {
    return this.dialect === "pcre";
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  fail(message: string, at = this.at): never {
    throw new RegexError(message, at);
  }

  /** The next character, "" at the end. */
  peek(): string {
    return this.text.charAt(this.at);
  }

  /** Takes the next character; `what` is missing if there is none. */
  take(what: string): string {
    if (this.isAtEnd) this.fail(`${what} is cut off`);
    return this.text.charAt(this.at++);
  }

  /** Takes `word` if it is next. */
  eat(word: string): boolean {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  /** Takes what the sticky expression matches here, "" if nothing. */
  eatMatch(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const word = pattern.exec(this.text)?.[0] ?? "";
    this.at += word.length;
    return word;
  }

  /** Takes text up to `end` and `end` itself. */
  takeUntil(end: string, what: string): string {
    const stop = this.text.indexOf(end, this.at);
    if (stop < 0) this.fail(`${what} is not closed`);
    const word = this.text.slice(this.at, stop);
    this.at = stop + end.length;
    return word;
  }

  /** Takes the name of a group and the `end` behind it. */
  takeName(end: string): string {
    const from = this.at;
    const name = this.takeUntil(end, "the name of a group");
    if (!/^[A-Za-z_]\w{0,127}$/.test(name)) this.fail("the name of a group is malformed", from);
    return name;
  }

  /** A new capturing group, perhaps named; its number. */
  addGroup(name?: string): number {
    const group = ++this.groupCount;
    if (group > GROUPS_MAX) this.fail(`there are more than ${GROUPS_MAX} groups`);
    if (name !== undefined) this.names.set(name, [...(this.names.get(name) ?? []), group]);
    return group;
  }

  /** Does something when all groups are known. */
  whenRead(check: () => void): void {
    this.#checks.push(check);
  }

  /** To be called when all has been read. */
  finish(): void {
    for (const check of this.#checks) check();
  }

  /** Fails at the end unless there is a group of that number. */
  expectGroup(group: number): void {
    const { at } = this;
    this.whenRead(() => {
      if (group < 0 || group > this.groupCount) this.fail(`there is no group ${group}`, at);
    });
  }

  /** A reference to what groups hold. */
  reference(groups: number[]): Node {
    return { kind: "backreference", groups, isFolded: this.letters.i };
  }

  /** The same by name; the group may stand further on. */
  referenceByName(name: string): Node {
    const groups: number[] = [];
    this.whenNamed(name, (numbers) => groups.push(...numbers));
    return this.reference(groups);
  }

  /** Tells the numbers of the groups of that name, when all are known. */
  whenNamed(name: string, tell: (groups: readonly number[]) => void): void {
    const { at } = this;
    this.whenRead(() => {
      const groups = this.names.get(name);
      if (groups === undefined) this.fail(`there is no group named "${name}"`, at);
      tell(groups);
    });
  }

  /** A byte as it matches here. */
  byte(value: number): Node {
    const key = this.letters.i ? value : value + 256;
    const known = this.#bytes.get(key);
    if (known !== undefined) return known;
    const node = this.set(ByteSet.range(value));
    this.#bytes.set(key, node);
    return node;
  }

  /** A set as it matches here. */
  set(set: ByteSet): Node {
    return { kind: "set", set: this.letters.i ? set.folded() : set };
  }
}

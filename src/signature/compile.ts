// Sources to a compiled signature set. What is wrong with one signature is reported and costs that
// signature only, unless the caller asks for all or nothing.
import { type CoreModule, loadCore } from "../gwdb/core.ts";
import { NO_LISTS, type SetLists } from "../gwdb/lists/lists.ts";
import { assemble } from "./assemble.ts";
import { type Planned, planSignature } from "./image/plan.ts";
import { parseSource } from "./parse.ts";
import {
  type Diagnostic,
  describeDiagnostic,
  type Signature,
  type SignatureInfo,
  SourceError,
} from "./source.ts";

const SIGNATURES_MAX = 5_000_000;

/** One source file. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A compiled set. */
export interface Compiled {
  /** For loadSet(), or to be written to a .gwdb file. */
  readonly image: Uint8Array;
  /** What the image holds, in its order. */
  readonly signatures: readonly SignatureInfo[];
  /** What was left out, and why. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Thrown in strict mode. */
export class CompileError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.slice(0, 10).map(describeDiagnostic).join("\n"));
    this.diagnostics = diagnostics;
  }
}

/** How to compile. */
export interface CompileOptions {
  /** Throw CompileError at anything wrong, instead of leaving signatures out. */
  readonly isStrict?: boolean;
  /** File types that sources may speak of; anything goes if it is not given. */
  readonly types?: readonly string[];
  /** What goes into the image beside signatures. */
  readonly lists?: SetLists;
}

function report(signature: Signature, error: SourceError): Diagnostic {
  const { message, column, expected } = error;
  const hint = expected === undefined ? {} : { expected };
  const place = { file: signature.file, line: error.line || signature.line, column };
  return { ...place, message: `${signature.info.name}: ${message}`, ...hint };
}

/** File types that a signature speaks of. */
function typesOf(signature: Signature): string[] {
  const types = [...signature.targets];
  const open = [signature.condition];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.kind === "type" || next.kind === "container") types.push(next.type);
    else if (next.kind === "and" || next.kind === "or") open.push(next.left, next.right);
    else if (next.kind === "not") open.push(next.operand);
  }
  return types;
}

function checkTypes(signature: Signature, known: ReadonlySet<string> | null): void {
  if (signature.targets.length === 0 && signature.condition.kind === "of") return;
  const at = { line: signature.line, column: 1 };
  for (const type of typesOf(signature)) {
    const isKnown = known === null ? /^[a-z0-9][a-z0-9.+-]*$/.test(type) : known.has(type);
    if (isKnown) continue;
    throw new SourceError(`unknown file type ${type}`, at, known ? [...known].join(", ") : "");
  }
}

/** Compiles source files. Only strict mode throws for what is in them. */
export async function compileSources(
  files: readonly SourceFile[],
  core: Uint8Array | CoreModule,
  options: CompileOptions = {},
): Promise<Compiled> {
  const signatures: Signature[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const { path, text } of files) {
    const parsed = parseSource(path, text);
    diagnostics.push(...parsed.diagnostics);
    for (const signature of parsed.signatures) signatures.push(signature);
  }
  return compileSignatures({ signatures, diagnostics }, core, options);
}

/** Compiles signatures of any format. `parsed.diagnostics` go before those of the compiler. */
export async function compileSignatures(
  parsed: { readonly signatures: Iterable<Signature>; readonly diagnostics: readonly Diagnostic[] },
  core: Uint8Array | CoreModule,
  options: CompileOptions = {},
): Promise<Compiled> {
  const module = core instanceof Uint8Array ? loadCore(core) : core;
  const diagnostics = [...parsed.diagnostics];
  const names = new Map<string, Signature>();
  const known = options.types === undefined ? null : new Set(options.types);
  const patterned: Planned[] = [];
  const alone: Planned[] = [];
  const keep = (signature: Signature) => {
    const { name } = signature.info;
    const twin = names.get(name);
    const at = { line: signature.line, column: 1 };
    if (twin !== undefined && !(twin.sharesName === true && signature.sharesName === true)) {
      throw new SourceError(`this name is taken by ${twin.file}:${twin.line}`, at);
    }
    if (names.size >= SIGNATURES_MAX) throw new SourceError("too many signatures", at);
    checkTypes(signature, known);
    const plan = planSignature(signature);
    (plan.isAlone ? alone : patterned).push(plan);
    names.set(name, signature);
  };
  for (const signature of parsed.signatures) {
    try {
      keep(signature);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      diagnostics.push(report(signature, error));
    }
  }
  const planned = patterned.concat(alone);
  const parts = { core: module, lists: options.lists ?? NO_LISTS };
  const image = assembleAll(planned, parts, diagnostics);
  if (options.isStrict === true && diagnostics.length > 0) throw new CompileError(diagnostics);
  return { image, signatures: planned.map(({ signature }) => signature.info), diagnostics };
}

// The builder can find one more fault: every place of a run is a repeated byte. Each such signature
// is taken out, and the rest tried again.
function assembleAll(
  planned: Planned[],
  parts: { readonly core: CoreModule; readonly lists: SetLists },
  diagnostics: Diagnostic[],
): Uint8Array {
  for (;;) {
    const result = assemble(planned, parts.core, parts.lists);
    if (typeof result !== "number") return result;
    const [unfit] = planned.splice(result, 1);
    if (unfit === undefined) throw new Error("the builder refuses a signature that is not there");
    const { signature } = unfit;
    const message = "a pattern is little more than one repeated byte";
    const error = new SourceError(message, { line: signature.line, column: 1 }, "varied bytes");
    diagnostics.push(report(signature, error));
  }
}

// Signatures made of the parts of one, each to be looked for alone: what `gw signatures test` shows
// when it says why a signature hits a file or does not.
import type { ClamavJudgement, Subsignature } from "../../gwdb/clamav-judgement.ts";
import type { YaraJudgement } from "../../gwdb/yara-judgement.ts";
import type { Masked, Op, Pattern, Signature } from "../source.ts";

/** One part of a signature. */
export interface Probe {
  /** What the part is called in its source: `0`, `$a`. */
  readonly label: string;
  /** What it looks for, in a line. */
  readonly text: string;
  /** Whether a hit's offset is where this part is, and not where what it depends on is. */
  readonly hasOffset: boolean;
  /** Hits where the part does; its name is unlike that of any other probe. */
  readonly signature: Signature;
}

const TEXT_MAX = 60;
const PRINTABLE = /^[\x20-\x7e]+$/;

const short = (text: string) =>
  text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX - 1)}…`;

/** `4d 5? ??` without the blanks. */
function hexText({ values, masks }: Masked): string {
  const digit = (value: number, mask: number) => (mask === 0 ? "?" : value.toString(16));
  return Array.from(values, (value, i) => {
    const mask = masks[i] ?? 0;
    return digit(value >> 4, mask >> 4) + digit(value & 15, mask & 15);
  }).join("");
}

function opText(op: Op): string {
  switch (op.kind) {
    case "literal": {
      const text = Buffer.from(op.bytes).toString("latin1");
      return PRINTABLE.test(text) ? JSON.stringify(text) : Buffer.from(op.bytes).toString("hex");
    }
    case "masked":
      return hexText(op);
    case "gap":
      return op.max === Number.POSITIVE_INFINITY ? `{${op.min}-}` : `{${op.min}-${op.max}}`;
    case "alternatives":
      return `${op.isNegated ? "!" : ""}(${op.items.map(hexText).join("|")})`;
    case "boundary":
      return `${op.isNegated ? "!" : ""}(${op.class})`;
    default:
      return op satisfies never;
  }
}

function patternText(pattern: Pattern | undefined): string {
  switch (pattern?.kind) {
    case "bytes": {
      const { place } = pattern;
      const from = place?.isFromEnd === true ? `EOF-${place.from}` : `${place?.from}`;
      const where = place === null ? "" : ` at ${from}`;
      const folded = pattern.isFolded ? " nocase" : "";
      return short(pattern.ops.map(opText).join(" ")) + folded + where;
    }
    case "hash":
      return `${pattern.algorithm} ${Buffer.from(pattern.digest).toString("hex")}`;
    case "name":
      return `name ${pattern.glob}`;
    case undefined:
      return "";
    default:
      return pattern satisfies never;
  }
}

function subsignatureText(subsignature: Subsignature, patterns: readonly Pattern[]): string {
  switch (subsignature.kind) {
    case "body": {
      const { place } = subsignature;
      const text = subsignature.patterns.map((id) => patternText(patterns[id])).join(" | ");
      return place === undefined ? text : `${text} at ${place.base}+${place.add}`;
    }
    case "pcre":
      return short(`/${subsignature.source}/${subsignature.flags}`);
    case "compare":
      return `a number by the last match of ${subsignature.compare.id}`;
    case "macro":
      return `one of a group by a match of ${subsignature.id}`;
    default:
      return subsignature satisfies never;
  }
}

// Nothing is searched for: the judgement has the core enumerate what it asks for.
function judged(signature: Signature, index: number, judgement: Signature["judgement"]): Signature {
  const { info, patterns } = signature;
  return {
    ...signature,
    info: { ...info, name: `${info.name} ${index}`, cure: { kind: "none" } },
    patterns: patterns.map((one) => (one.kind === "bytes" ? { ...one, isLazy: true } : one)),
    condition: { kind: "always" },
    ...(judgement !== undefined && { judgement }),
  };
}

function ofClamav(signature: Signature, judgement: ClamavJudgement): Probe[] {
  return judgement.subsignatures.map((subsignature, id) => ({
    label: `${id}`,
    text: subsignatureText(subsignature, signature.patterns),
    hasOffset: subsignature.kind === "body",
    signature: judged(signature, id, {
      format: "clamav",
      subsignatures: judgement.subsignatures,
      expression: { kind: "count", id },
    }),
  }));
}

function ofYara(signature: Signature, judgement: YaraJudgement): Probe[] {
  return judgement.strings.map((string, id) => {
    const { patterns, regex } = string;
    const name = signature.partNames?.[id] ?? "";
    const texts = patterns.map((pattern) => patternText(signature.patterns[pattern]));
    return {
      label: name === "" ? `string ${id + 1}` : `$${name}`,
      text: regex === undefined ? texts.join(" | ") : short(`/${regex.source}/${regex.flags}`),
      hasOffset: true,
      signature: judged(signature, id, {
        format: "yara",
        strings: [string],
        condition: { op: "found", string: 0 },
      }),
    };
  });
}

function ofPattern(signature: Signature, pattern: Pattern, index: number): Probe {
  const { info } = signature;
  const name = `${info.name} ${index}`;
  const about = { label: pattern.id, text: patternText(pattern) };
  if (pattern.kind !== "bytes") {
    const alone: Signature = {
      ...signature,
      info: { ...info, name, cure: { kind: "none" } },
      patterns: [pattern],
      condition: { kind: "pattern", pattern: 0 },
      isTrusted: false,
    };
    return { ...about, hasOffset: false, signature: alone };
  }
  const judgement: ClamavJudgement = {
    format: "clamav",
    subsignatures: [{ kind: "body", patterns: [0] }],
    expression: { kind: "count", id: 0 },
  };
  const alone = { ...signature, patterns: [pattern] };
  return { ...about, hasOffset: true, signature: judged(alone, index, judgement) };
}

/** The parts of a signature, in its own order. */
export function probesOf(signature: Signature): Probe[] {
  switch (signature.judgement?.format) {
    case "clamav":
      return ofClamav(signature, signature.judgement);
    case "yara":
      return ofYara(signature, signature.judgement);
    default:
      return signature.patterns.map((pattern, i) => ofPattern(signature, pattern, i));
  }
}

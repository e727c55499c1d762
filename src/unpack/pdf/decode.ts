// The plain content of a stream: its extent, decryption and filter chain. ISO 32000-2 §7.3.8, §7.4.

import type { Budget } from "../../base/budget.ts";
import { inflate } from "../inflate.ts";
import {
  ascii85Decode,
  asciiHexDecode,
  type Filtered,
  lzwDecode,
  type Prediction,
  runLengthDecode,
  unpredict,
} from "./filters.ts";
import type { Objects, Stream } from "./objects.ts";
import type { Purpose, Security } from "./security.ts";
import { type Dict, FIRST, isSpace, Name, type Value } from "./syntax.ts";
import { isXref } from "./xref.ts";

/** What a stream holds. */
export interface Decoded {
  readonly bytes: Buffer;
  /** The same bytes stand in the file: whoever scanned that has seen them. */
  readonly isAsStored: boolean;
  /** The image format it is still in, "" if none. */
  readonly image: string;
  /** "clean" if this is all of it. */
  readonly status: "clean" | "damaged" | "protected" | "unscanned";
  readonly reason: string;
}

/**
 * How a stream is used, as far as that changes how it is read: the pixels of a picture are left as
 * differences to their neighbours, which is all the same to a scanner.
 */
export type Use = "file" | "script" | "picture" | "other";

const FILTERS_MAX = 16;
const NOTHING = Buffer.alloc(0);
/** What salvaging a stream takes, as bytes read: it is inflated some twenty times. */
const SALVAGE_COST = 16_384;
// Stages together may make this many times what a message may expand to.
const STAGES_FACTOR = 2;

// §7.4.1 table 6, and the short names of table 92, which viewers take in streams too.
const FILTER_NAMES: ReadonlyMap<string, string> = new Map([
  ["Fl", "FlateDecode"],
  ["LZW", "LZWDecode"],
  ["AHx", "ASCIIHexDecode"],
  ["A85", "ASCII85Decode"],
  ["RL", "RunLengthDecode"],
  ["CCF", "CCITTFaxDecode"],
  ["DCT", "DCTDecode"],
]);
const IMAGE_FILTERS = new Set(["DCTDecode", "JPXDecode", "CCITTFaxDecode", "JBIG2Decode"]);

interface Stage {
  readonly name: string;
  readonly parameters: Dict | undefined;
}

interface Extent {
  readonly data: Buffer;
  readonly isCut: boolean;
}

/** Decodes the streams of one document. */
export class StreamDecoder {
  readonly #objects: Objects;
  readonly #budget: Budget;
  readonly #security: Security | undefined;
  #stagesLeft: number;

  constructor(objects: Objects, budget: Budget, security: Security | undefined) {
    this.#objects = objects;
    this.#budget = budget;
    this.#security = security;
    this.#stagesLeft = STAGES_FACTOR * budget.limits.expandedSizeMax;
  }

  /** The content of `stream`, at most `room` bytes. */
  decode(stream: Stream, use: Use, room = this.#budget.bytesLeft): Decoded {
    if (this.#objects.isExhausted) return failed("unscanned", "takes too much work to read");
    const { data, isCut } = this.extent(stream);
    const stages = this.#stages(stream);
    if (stages === undefined) return failed("unscanned", "too many filters");
    const plain = this.#decrypted(stream, stages, data, use);
    let decoded = failed("protected", "encrypted");
    if (plain !== undefined) {
      decoded = this.#chain({ data: plain, isPlain: plain === data }, stages, use, room);
    }
    // What says it is encrypted may not be: an /Encrypt that viewers overlook makes it look so.
    // Encrypted bytes do not inflate by chance.
    const mayBePlain = stages[0]?.name === "FlateDecode" && isZlib(data, 0);
    if (plain !== data && mayBePlain && decoded.status !== "clean") {
      const other = this.#chain({ data, isPlain: true }, stages, use, room);
      if (other.status === "clean") decoded = other;
    }
    if (decoded.status === "clean" && isCut) {
      return { ...decoded, status: "damaged", reason: "a stream is cut short" };
    }
    const first = stream.dict.get(FIRST);
    const isDisputed = first instanceof Map && (first.has("Filter") || first.has("DecodeParms"));
    if (decoded.status === "clean" && isDisputed) {
      return { ...decoded, status: "damaged", reason: "a stream names its filters twice" };
    }
    return decoded;
  }

  /** The bytes of a stream as they lie in the file. /Length is believed if `endstream` follows. */
  extent(stream: Stream): Extent {
    const { source, dataStart: start } = stream;
    // Every version of an indirect length may be the right one.
    for (const { value } of this.#objects.resolve(stream.dict.get("Length") ?? null, stream)) {
      if (typeof value !== "number" || value < 0 || start + value > source.length) continue;
      if (isEnd(source, start + value)) {
        return { data: source.subarray(start, start + value), isCut: false };
      }
    }
    let end = source.indexOf("endstream", start);
    const isCut = end < 0;
    if (isCut) end = source.indexOf("endobj", start);
    if (end < 0) end = source.length;
    // The same far end may be searched from many places.
    if (!this.#objects.spend(end - start)) return { data: NOTHING, isCut: false };
    if (!isCut && source[end - 1] === 10) end--;
    if (!isCut && source[end - 1] === 13) end--;
    return { data: source.subarray(start, Math.max(start, end)), isCut };
  }

  #decrypted(stream: Stream, stages: readonly Stage[], data: Buffer, use: Use): Buffer | undefined {
    const security = this.#security;
    // §7.5.8.2: cross-reference streams never are encrypted, for what is needed to read them.
    if (security === undefined || (use === "other" && isXref(stream.dict))) return data;
    const isMetadata = nameOf(stream.dict.get("Type")) === "Metadata";
    const own = stages.find(({ name }) => name === "Crypt");
    if (isMetadata && security.hasPlainMetadata && own === undefined) return data;
    const filter = own && (nameOf(own.parameters?.get("Name")) || "Identity");
    const purpose: Purpose = use === "file" ? "file" : "stream";
    if (!this.#objects.spend(data.length)) return;
    return security.decrypt(data, purpose, stream, filter);
  }

  // The filters with their parameters: a name or a list of names, each of which may be elsewhere.
  #stages(stream: Stream): Stage[] | undefined {
    const { dict } = stream;
    const names = this.#list(dict.get("Filter") ?? dict.get("F") ?? null, stream);
    if (names.length > FILTERS_MAX) return;
    const parameters = this.#list(dict.get("DecodeParms") ?? dict.get("DP") ?? null, stream);
    const stages: Stage[] = [];
    for (const [at, value] of names.entries()) {
      // /F in a stream names a file elsewhere, which is no name object.
      const name = nameOf(this.#objects.find(value, isName));
      const given = this.#objects.find(parameters[at], isDict);
      if (name !== "") stages.push({ name: FILTER_NAMES.get(name) ?? name, parameters: given });
    }
    return stages;
  }

  #list(value: Value, stream: Stream): Value[] {
    const found = this.#objects.resolve(value, stream)[0]?.value ?? null;
    if (found === null) return [];
    return Array.isArray(found) ? found : [found];
  }

  // Each filter in turn; what one has left intact goes on to the next. Ends before a picture filter:
  // pixels are nothing that signatures are made for, and decoding them costs most.
  #chain(
    input: { readonly data: Buffer; readonly isPlain: boolean },
    stages: readonly Stage[],
    use: Use,
    room: number,
  ): Decoded {
    let bytes = input.data;
    let isAsStored = input.isPlain;
    let reason = "";
    for (const stage of stages) {
      if (stage.name === "Crypt") continue;
      if (IMAGE_FILTERS.has(stage.name)) {
        const status = reason === "" ? "clean" : "damaged";
        return { bytes, isAsStored, image: stage.name, status, reason };
      }
      const sizeMax = Math.min(room, this.#stagesLeft);
      if (!this.#objects.spend(bytes.length >> 2)) return failed("unscanned", "too much work");
      const made = this.#stage(stage, bytes, sizeMax, use);
      if (made === undefined) return failed("unscanned", "a filter is not supported");
      if (made.end === "too-large") {
        return failed("unscanned", "larger than what may still be extracted");
      }
      this.#stagesLeft -= made.bytes.length;
      bytes = made.bytes;
      isAsStored = false;
      if (made.end === "corrupt") this.#objects.spend(SALVAGE_COST);
      if (made.end !== "whole") reason = "a stream does not decode";
    }
    return { bytes, isAsStored, image: "", status: reason === "" ? "clean" : "damaged", reason };
  }

  #stage(stage: Stage, input: Buffer, sizeMax: number, use: Use): Filtered | undefined {
    switch (stage.name) {
      case "FlateDecode":
        return this.#predicted(flateDecode(input, sizeMax), stage, use);
      case "LZWDecode": {
        const early = stage.parameters?.get("EarlyChange") === 0 ? 0 : 1;
        return this.#predicted(lzwDecode(input, sizeMax, early), stage, use);
      }
      case "ASCIIHexDecode":
        return asciiHexDecode(input, sizeMax);
      case "ASCII85Decode":
        return ascii85Decode(input, sizeMax);
      case "RunLengthDecode":
        return runLengthDecode(input, sizeMax);
      default:
        return;
    }
  }

  #predicted(made: Filtered, { parameters }: Stage, use: Use): Filtered {
    if (parameters === undefined || use === "picture") return made;
    const predictor = this.#number(parameters, "Predictor", 1);
    if (predictor < 2) return made;
    const how: Prediction = {
      predictor,
      colors: this.#number(parameters, "Colors", 1),
      bits: this.#number(parameters, "BitsPerComponent", 8),
      columns: this.#number(parameters, "Columns", 1),
    };
    return { ...made, bytes: unpredict(made.bytes, how) };
  }

  #number(dict: Dict, key: string, fallback: number): number {
    return this.#objects.find(dict.get(key), isNumber) ?? fallback;
  }
}

/** The text of a name, "" of anything else. */
export function nameOf(value: Value | undefined): string {
  return value instanceof Name ? value.text : "";
}

function isName(value: Value): value is Name {
  return value instanceof Name;
}

function isDict(value: Value): value is Dict {
  return value instanceof Map;
}

function isNumber(value: Value): value is number {
  return typeof value === "number";
}

function failed(status: "protected" | "unscanned", reason: string): Decoded {
  return { bytes: NOTHING, isAsStored: false, image: "", status, reason };
}

// `endstream` at `at`, behind white space, which many writers count wrongly.
function isEnd(bytes: Buffer, at: number): boolean {
  let word = at;
  while (isSpace(bytes[word]) && word < at + 4) word++;
  return bytes.toString("latin1", word, word + 9) === "endstream";
}

// A zlib stream, of which neither header nor checksum is believed: viewers pass over both.
function flateDecode(input: Buffer, sizeMax: number): Filtered {
  let start = 0;
  while (start < 3 && isSpace(input[start]) && !isZlib(input, start)) start++;
  if (!isZlib(input, start)) start = 0;
  if (input.length - start < 3) return { bytes: NOTHING, end: "whole" };
  const hint = input.length * 4;
  const found = inflate(input.subarray(start + 2), sizeMax, hint);
  if (isZlib(input, start) || found.end === "whole" || found.end === "too-large") {
    return { bytes: found.bytes as Buffer, end: found.end };
  }
  // Without a header of its own.
  const bare = inflate(input, sizeMax, hint);
  const best = bare.bytes.length > found.bytes.length ? bare : found;
  return { bytes: best.bytes as Buffer, end: best.end };
}

function isZlib(input: Buffer, at: number): boolean {
  const method = input[at] ?? 0;
  return (method & 15) === 8 && ((method << 8) | (input[at + 1] ?? 0)) % 31 === 0;
}

// Microsoft's encoded scripts (.vbe, .jse, and "VBScript.Encode" in pages): each character is
// replaced by one of three alphabets in a fixed order of 64. It is no secret and has no key.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";

const BLOCKS_MAX = 100;
/** Without it a text holds no encoded script. */
export const ENCODED_SCRIPT_MARK = "#@~^";
const FOOT = "^#~@";
/** The count of characters, and the checksum: six digits of base64 and "==" each. */
const FIELD_BYTES = 8;
// Which alphabet stands for the n-th character, modulo 64.
const ORDER = "1201202002021020102011200210200211020201011201021020112001120102";
// What TAB and each character from 0x20 to 0x7e becomes in the three alphabets; 3f3f3f is for those
// that are written as escapes.
const ALPHABETS = Buffer.from(
  "643769507e2c225a654a4572613a5b5e79665d59755b274c42764560637623622a654d435f51337e5342" +
    "4f52205220637a264a21545a467138202b79266632632a572a586c767f2b477b462530522c314f296c3d" +
    "6949703f3f3f27787b3f3f3f675f513f3f3f62297a41247e5a2f3b663947323341736f774d215643755f" +
    "7128263942787c466e534a64485c7431486772367d6e4b68707d35495d223f6a554b503a6a69602e236a" +
    "7f097128706f3565497d745c242c5d2d7727544459373f257b6d7c3d7c236c436d3438286d5e314e5b39" +
    "2b6e7f3057366f4c547434346b72624c254e33563056735e3a687378550957474b7732613b3524442e4d" +
    "2f646b594f44453b215c2d37684153366158587a4879222e096050756b2d384e29553d3f",
  "hex",
);
const UNUSED = 0x3f3f3f;
const ESCAPES: Readonly<Record<string, string>> = {
  "@&": "\n",
  "@#": "\r",
  "@*": ">",
  "@!": "<",
  "@$": "@",
};

/** Yields the encoded scripts in a text, decoded; quick if there are none. */
export function* explodeEncodedScript(
  bytes: Uint8Array,
  budget: Budget,
): Generator<Extract, Explosion> {
  const text = asBuffer(bytes);
  let isCut = false;
  let at = text.indexOf(ENCODED_SCRIPT_MARK);
  for (let count = 0; at >= 0; ) {
    const start = at + ENCODED_SCRIPT_MARK.length + FIELD_BYTES;
    // The mark alone, without a count, stands in texts about encoded scripts.
    if (
      !/^[A-Za-z0-9+/]{6}==$/.test(text.toString("latin1", at + ENCODED_SCRIPT_MARK.length, start))
    ) {
      at = text.indexOf(ENCODED_SCRIPT_MARK, at + ENCODED_SCRIPT_MARK.length);
      continue;
    }
    if (++count > BLOCKS_MAX) return { status: "unscanned", note: "too many encoded scripts" };
    const foot = text.indexOf(FOOT, start);
    if (foot < 0) isCut = true;
    const end = foot < 0 ? text.length : foot - FIELD_BYTES;
    const script = decodeScript(text.subarray(start, Math.max(start, end)));
    if (!budget.takeObject(script.length)) {
      return { status: "unscanned", note: "more than may still be extracted" };
    }
    yield { name: scriptName(script), declaredType: "", bytes: script };
    at = foot < 0 ? -1 : text.indexOf(ENCODED_SCRIPT_MARK, foot);
  }
  if (isCut) return { status: "damaged", note: "an encoded script is cut short" };
  return { status: "clean", note: "" };
}

// The language is not written down in a file of its own; rules go by the ending.
function scriptName(script: Buffer): string {
  const isBasic = /^[ \t]*(?:dim|sub|set|end if|end function|on error|msgbox)\b/im.test(
    script.toString("latin1", 0, Math.min(script.length, 65_536)),
  );
  return isBasic ? "decoded script.vbs" : "decoded script.js";
}

function decodeScript(encoded: Buffer): Buffer {
  const tables = decodingTables();
  const plain = encoded.toString("latin1").replace(/@[&#*!$]/g, (pair) => ESCAPES[pair] ?? pair);
  const bytes = Buffer.from(plain, "latin1");
  let index = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    // Characters beyond ASCII stand for themselves, and the order does not move on.
    if (byte >= 0x80) continue;
    const table = tables[ORDER.charCodeAt(index++ % 64) - 0x30];
    bytes[at] = table?.[byte] ?? byte;
  }
  return bytes;
}

function decodingTables(): Uint8Array[] {
  return [0, 1, 2].map((alphabet) => {
    // What no alphabet has (line ends, the characters behind escapes) stays.
    const table = Uint8Array.from({ length: 128 }, (_, byte) => byte);
    for (let row = 0; row * 3 < ALPHABETS.length; row++) {
      if (ALPHABETS.readUIntBE(row * 3, 3) === UNUSED) continue;
      table[ALPHABETS[row * 3 + alphabet] as number] = row === 0 ? 9 : 0x1f + row;
    }
    return table;
  });
}

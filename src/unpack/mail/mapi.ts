// MAPI properties as TNEF lays them out: a counted list of tagged values. Read leniently: what can
// be read before the list breaks is given. [MS-OXTNEF] §2.1.3.4, types from [MS-OXCDATA] §2.11.1.

import { asBuffer } from "../../base/bytes.ts";

/** A property: values of multi-valued ones come as one property each. */
export interface MapiProperty {
  readonly id: number;
  readonly type: number;
  readonly bytes: Buffer;
}

/** The properties of a list; `isWhole` is false if it is cut or contradicts itself. */
export interface MapiProperties {
  readonly list: readonly MapiProperty[];
  readonly isWhole: boolean;
}

/** Property types with a length of their own. */
export const MAPI_TYPE = { object: 0x0d, string8: 0x1e, unicode: 0x1f, binary: 0x102 } as const;

const PROPERTIES_MAX = 4096;
const VALUES_MAX = 65_536;
const MULTI_VALUED = 0x1000;
const NAMED_FROM = 0x8000;
// Sizes on the wire: all values are padded to four bytes.
const FIXED_SIZES: Readonly<Record<number, number>> = {
  1: 4,
  2: 4,
  3: 4,
  4: 4,
  5: 8,
  6: 8,
  7: 8,
  10: 4,
  11: 4,
  20: 8,
  64: 8,
  72: 16,
};
const VARIABLE: readonly number[] = Object.values(MAPI_TYPE);

/** Reads a property list. Never throws. */
export function readMapi(bytes: Uint8Array): MapiProperties {
  const input = asBuffer(bytes);
  const list: MapiProperty[] = [];
  const count = input.length >= 4 ? input.readUInt32LE(0) : 0;
  let at = 4;
  let values = 0;
  for (let n = 0; n < count; n++) {
    if (n >= PROPERTIES_MAX || at + 4 > input.length) return { list, isWhole: false };
    const type = input.readUInt16LE(at);
    const id = input.readUInt16LE(at + 2);
    at = id >= NAMED_FROM ? skipName(input, at + 4) : at + 4;
    const base = type & ~MULTI_VALUED;
    const isVariable = VARIABLE.includes(base);
    let valueCount = 1;
    if (isVariable || type !== base) {
      if (at + 4 > input.length) return { list, isWhole: false };
      valueCount = input.readUInt32LE(at);
      at += 4;
    }
    for (let value = 0; value < valueCount; value++) {
      if (++values > VALUES_MAX || at > input.length) return { list, isWhole: false };
      let size = FIXED_SIZES[base];
      if (isVariable && at + 4 <= input.length) {
        size = input.readUInt32LE(at);
        at += 4;
      }
      // An unknown type has an unknown size: nothing behind it can be read.
      if (size === undefined) return { list, isWhole: false };
      list.push({ id, type: base, bytes: input.subarray(at, at + size) });
      if (at + size > input.length) return { list, isWhole: false };
      at += (size + 3) & ~3;
    }
  }
  return { list, isWhole: input.length >= 4 };
}

// A named property: its set's GUID, then a number, or a counted name.
function skipName(input: Buffer, at: number): number {
  if (at + 24 > input.length) return input.length + 1;
  const kind = input.readUInt32LE(at + 16);
  const value = input.readUInt32LE(at + 20);
  return kind === 0 ? at + 24 : at + 24 + ((value + 3) & ~3);
}

/** The first property `id` as text, "" if there is none. */
export function mapiText(list: readonly MapiProperty[], id: number): string {
  const found = list.find((one) => one.id === id && one.bytes.length > 0);
  if (found === undefined) return "";
  const encoding = found.type === MAPI_TYPE.unicode ? "utf16le" : "latin1";
  return found.bytes.toString(encoding).split("\0", 1)[0] ?? "";
}

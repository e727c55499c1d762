// A limit on how long WebAssembly may run in one call, which neither the language nor the runtime
// has: every loop is made to count a number down, and to stop at zero. A hostile archive can lead
// the library into a loop without end; this ends it without the whole thread having to be killed.
// WebAssembly Core Specification 2.0 §5 (binary format).

/** Name of the exported global that holds the steps left. */
export const FUEL = "fuel";

const SECTION_IMPORT = 2;
const SECTION_GLOBAL = 6;
const SECTION_EXPORT = 7;
const SECTION_CODE = 10;
const KIND_GLOBAL = 3;
const I32 = 0x7f;
const LOOP = 0x03;
const END = 0x0b;
const PREAMBLE_BYTES = 8;

/** `module` with the counting put in. Throws if it holds an instruction that is not known here. */
export function withFuel(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const input = new WasmReader(module, PREAMBLE_BYTES);
  const output = new ByteList(module.length * 2);
  output.append(module.subarray(0, PREAMBLE_BYTES));
  let globals = 0;
  while (input.at < module.length) {
    const id = input.byte();
    const size = input.number();
    const start = input.at;
    const body = module.subarray(start, start + size);
    input.at = start + size;
    let changed: Uint8Array = body;
    if (id === SECTION_IMPORT) globals += importedGlobals(body);
    else if (id === SECTION_GLOBAL) {
      globals += new WasmReader(body).number();
      // Variable, zero at first.
      changed = withOneMore(body, [I32, 1, 0x41, 0, END]);
    } else if (id === SECTION_EXPORT) {
      const name = [...FUEL].map((character) => character.charCodeAt(0));
      changed = withOneMore(body, [name.length, ...name, KIND_GLOBAL, ...leb(globals)]);
    } else if (id === SECTION_CODE) changed = countedCode(body, globals);
    output.append([id, ...leb(changed.length)]);
    output.append(changed);
  }
  return output.made;
}

// Sections are lists: a count, then the items.
function withOneMore(section: Uint8Array, item: readonly number[]): Uint8Array {
  const reader = new WasmReader(section);
  const count = reader.number();
  const output = new ByteList(section.length + 32);
  output.append(leb(count + 1));
  output.append(section.subarray(reader.at));
  output.append(item);
  return output.made;
}

function importedGlobals(section: Uint8Array): number {
  const reader = new WasmReader(section);
  let globals = 0;
  for (let left = reader.number(); left > 0; left--) {
    reader.at += reader.number();
    reader.at += reader.number();
    const kind = reader.byte();
    // A function's type; a global's type; a table or memory has limits.
    if (kind === 0) reader.number();
    else if (kind === KIND_GLOBAL) {
      reader.at += 2;
      globals++;
    } else {
      if (kind === 1) reader.at++;
      const hasMaximum = (reader.byte() & 1) === 1;
      reader.number();
      if (hasMaximum) reader.number();
    }
  }
  return globals;
}

function countedCode(section: Uint8Array, fuel: number): Uint8Array {
  const index = leb(fuel);
  // Take one, and stop at zero: global.get, i32.const 1, i32.sub, global.set, global.get, i32.eqz,
  // if, unreachable, end.
  const count = [
    ...[0x23, ...index, 0x41, 1, 0x6b, 0x24, ...index],
    ...[0x23, ...index, 0x45, 0x04, 0x40, 0x00, END],
  ];
  const reader = new WasmReader(section);
  const functions = reader.number();
  const output = new ByteList(section.length * 2);
  output.append(leb(functions));
  for (let left = functions; left > 0; left--) {
    const size = reader.number();
    const end = reader.at + size;
    const body = new ByteList(size * 2);
    let copied = reader.at;
    for (let locals = reader.number(); locals > 0; locals--) {
      reader.number();
      reader.byte();
    }
    while (reader.at < end) {
      if (!reader.skipInstruction()) continue;
      body.append(section.subarray(copied, reader.at));
      body.append(count);
      copied = reader.at;
    }
    body.append(section.subarray(copied, end));
    output.append(leb(body.size));
    output.append(body.made);
  }
  return output.made;
}

function leb(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  while (left > 127) {
    bytes.push((left & 127) | 128);
    left >>>= 7;
  }
  bytes.push(left);
  return bytes;
}

class ByteList {
  #bytes: Uint8Array<ArrayBuffer>;
  size = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get made(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.size);
  }

  append(bytes: ArrayLike<number>): void {
    if (this.size + bytes.length > this.#bytes.length) {
      const grown = new Uint8Array((this.size + bytes.length) * 2);
      grown.set(this.made);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.size);
    this.size += bytes.length;
  }
}

class WasmReader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.#bytes[this.at++] ?? 0;
  }

  /** An unsigned LEB128 number. */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    return value >>> 0;
  }

  /** Skips one instruction with what belongs to it; true if it begins a loop. §5.4 */
  skipInstruction(): boolean {
    const code = this.byte();
    if (code === 0xfc) this.#skipPrefixed();
    else if (code === 0x0e) this.#skipNumbers(this.number() + 1);
    else if (code === 0x1c) this.#skipNumbers(this.number());
    else if (code === 0x43) this.at += 4;
    else if (code === 0x44) this.at += 8;
    else this.#skipNumbers(operands(code));
    return code === LOOP;
  }

  // Conversions that saturate have no operand; then memory and tables follow.
  #skipPrefixed(): void {
    const code = this.number();
    if (code > 17) throw new Error(`unknown instruction fc ${code}`);
    this.#skipNumbers([2, 1, 2, 1, 2, 1, 2, 1, 1, 1][code - 8] ?? 0);
  }

  // Numbers of any width and sign end with the first byte below 128.
  #skipNumbers(count: number): void {
    for (let left = count; left > 0; left--) while (this.byte() > 127);
  }
}

// How many numbers follow an instruction.
function operands(code: number): number {
  const isNumeric = code >= 0x45 && code <= 0xc4;
  if (isNumeric || code <= 0x01 || code === 0x05) return 0;
  if ((code >= 0x02 && code <= 0x04) || code === 0x0c || code === 0x0d || code === 0x10) return 1;
  if (code === END || code === 0x0f || code === 0x1a || code === 0x1b || code === 0xd1) return 0;
  if (code === 0x11 || (code >= 0x28 && code <= 0x3e)) return 2;
  if ((code >= 0x20 && code <= 0x26) || (code >= 0x3f && code <= 0x42)) return 1;
  if (code === 0xd0 || code === 0xd2) return 1;
  throw new Error(`unknown instruction ${code.toString(16)}`);
}

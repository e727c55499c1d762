// Writes TNEF streams for tests. [MS-OXTNEF] §2.1.

/** A property for `mapi()`; text is written as UTF-16. */
export interface Property {
  readonly id: number;
  readonly type: number;
  readonly value: Buffer | string | number;
  /** A named property's own name. */
  readonly named?: string;
}

const u16 = (value: number) => Buffer.from([value & 255, value >> 8]);

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);

export function attribute(level: 1 | 2, id: number, data: Buffer | string): Buffer {
  const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
  const sum = bytes.reduce((total, byte) => (total + byte) & 0xffff, 0);
  return Buffer.concat([Buffer.from([level]), u32(id), u32(bytes.length), bytes, u16(sum)]);
}

export function mapi(...properties: readonly Property[]): Buffer {
  const parts = properties.flatMap(({ id, type, value, named }) => {
    const head: Buffer[] = [u16(type), u16(id)];
    if (named !== undefined) {
      const name = Buffer.from(`${named}\0`, "utf16le");
      head.push(Buffer.alloc(16), u32(1), u32(name.length), padded(name));
    }
    if (typeof value === "number") return [...head, u32(value)];
    const bytes = typeof value === "string" ? Buffer.from(`${value}\0`, "utf16le") : value;
    return [...head, u32(1), u32(bytes.length), padded(bytes)];
  });
  return Buffer.concat([u32(properties.length), ...parts]);
}

export function tnef(...attributes: readonly Buffer[]): Buffer {
  return Buffer.concat([u32(0x223e_9f78), u16(1), ...attributes]);
}

/** An attachment in the old attributes alone. */
export function attachment(title: string, data: Buffer | string): Buffer {
  return Buffer.concat([
    attribute(2, 0x0006_9002, Buffer.alloc(14)),
    attribute(2, 0x0001_8010, `${title}\0`),
    attribute(2, 0x0006_800f, data),
  ]);
}

/** RTF in its container, not compressed. [MS-OXRTFCP] §2.1.3.1. */
export function storedRtf(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([
    u32(bytes.length + 12),
    u32(bytes.length),
    Buffer.from("MELA"),
    u32(0),
    bytes,
  ]);
}

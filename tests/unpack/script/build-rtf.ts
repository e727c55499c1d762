// Writes OLE 1 objects and packages for tests. [MS-OLEDS] §2.2.

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

const counted = (text: string) =>
  text === "" ? u32(0) : Buffer.concat([u32(text.length + 1), Buffer.from(`${text}\0`, "latin1")]);

export interface OleParts {
  readonly className?: string;
  readonly topic?: string;
  readonly data?: Buffer | string;
  /** Declared instead of the true size. */
  readonly size?: number;
  readonly version?: number;
}

export function embedded({
  className = "",
  topic = "",
  data = "",
  size,
  version = 0x501,
}: OleParts): Buffer {
  const bytes = Buffer.from(data as Buffer);
  const head = [u32(version), u32(2), counted(className), counted(topic), counted("")];
  return Buffer.concat([...head, u32(size ?? bytes.length), bytes]);
}

export function linked(className: string, topic: string): Buffer {
  const head = [u32(0x501), u32(1), counted(className), counted(topic), counted("item")];
  return Buffer.concat([...head, counted(""), u32(0), u32(1)]);
}

export function packaged(name: string, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content as Buffer);
  const path = `C:\\Temp\\${name}\0`;
  return Buffer.concat([
    Buffer.from(`\x02\0${name}\0C:\\Users\\x\\${name}\0\0\0\x03\0`, "latin1"),
    u32(path.length),
    Buffer.from(path, "latin1"),
    u32(bytes.length),
    bytes,
  ]);
}

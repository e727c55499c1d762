// Writes tar archives for tests, in the dialects that differ in more than their magic.

export interface TarMember {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly type?: string;
  /** `v7` has no magic, `gnu` its own. */
  readonly dialect?: "v7" | "ustar" | "gnu";
  /** Instead of the content's size. */
  readonly size?: number;
  readonly prefix?: string;
  /** The checksum as programs with signed bytes write it. */
  readonly isSigned?: boolean;
  /** Size in base 256, as GNU writes large ones. */
  readonly isBinarySize?: boolean;
  /** Bytes put into the header before it is summed up. */
  readonly patches?: readonly (readonly [at: number, bytes: string])[];
}

export const BLOCK = 512;

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
}

export function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, "0")}\0`;
}

export function tarMember(member: TarMember): Buffer {
  const content = Buffer.from(member.content ?? "");
  const size = member.size ?? content.length;
  const header = Buffer.alloc(BLOCK);
  header.write(member.name, 0, 100);
  header.write(octal(0o644, 8), 100);
  header.write(octal(size, 12), 124);
  if (member.isBinarySize) {
    header.fill(0, 124, 136);
    header[124] = 0x80;
    header.writeUInt32BE(size, 132);
  }
  header.write(octal(0, 12), 136);
  header.write("        ", 148);
  header.write(member.type ?? "0", 156, "latin1");
  const magics = { v7: "", ustar: "ustar\x0000", gnu: "ustar  \0" };
  header.write(magics[member.dialect ?? "ustar"], 257, "latin1");
  if (member.dialect === "v7") header[156] = 0;
  header.write(member.prefix ?? "", 345, 155);
  for (const [at, bytes] of member.patches ?? []) header.write(bytes, at, "latin1");
  let sum = 0;
  for (const byte of header) sum += member.isSigned && byte > 127 ? byte - 256 : byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, padded(content)]);
}

export function paxRecords(records: Readonly<Record<string, string>>): string {
  return Object.entries(records)
    .map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      const bytes = Buffer.byteLength(rest);
      const digits = String(bytes + String(bytes + 3).length).length;
      return `${bytes + digits}${rest}`;
    })
    .join("");
}

/** An extended header for the member behind it. */
export function paxHeader(records: Readonly<Record<string, string>>): Buffer {
  return tarMember({ name: "PaxHeaders/x", type: "x", content: paxRecords(records) });
}

/** Members with the two blocks of zeros that end an archive. */
export function buildTar(...members: readonly (TarMember | Buffer)[]): Buffer {
  const pieces = members.map((one) => (Buffer.isBuffer(one) ? one : tarMember(one)));
  return Buffer.concat([...pieces, Buffer.alloc(2 * BLOCK)]);
}

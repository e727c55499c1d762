// The first 512 bytes of ClamAV's containers: which version it is. Nothing here is proven; the
// container's signatures are.

/** Bytes of a header. */
export const HEADER_SIZE = 512;

/** What a header says. */
export interface ContainerHeader {
  readonly version: number;
  readonly signatures: number;
}

/** Reads a header; undefined if it is none. */
export function readHeader(bytes: Uint8Array): ContainerHeader | undefined {
  if (bytes.length < HEADER_SIZE) return undefined;
  const fields = Buffer.from(bytes.subarray(0, HEADER_SIZE)).toString("latin1").split(":");
  const [magic, , version = "", signatures = ""] = fields;
  if (magic !== "ClamAV-VDB" || !/^\d{1,9}$/.test(version)) return undefined;
  return { version: Number(version), signatures: Number(signatures) || 0 };
}

/** The header of a container that is put together here: the first line of its list of files. */
export function writeHeader(infoLine: string): Buffer {
  const header = Buffer.alloc(HEADER_SIZE, 0x20);
  header.write(infoLine.slice(0, HEADER_SIZE), "latin1");
  return header;
}

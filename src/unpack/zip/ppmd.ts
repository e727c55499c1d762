// PPMd in ZIP (method 98), which libarchive can decode: the entry is handed to it in an archive of its
// own, with a header that says what is true. APPNOTE.TXT 6.3.10 §5.10.

import { LibraryArchive } from "../archive/library/library.ts";
import type { Inflated } from "../inflate.ts";

/** An entry's data with what its header says of it. */
interface Packed {
  readonly bytes: Buffer;
  readonly packedSize: number;
  readonly size: number;
  readonly crc: number;
}

const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const NAME = "x";

/** Unpacks PPMd data of `packedSize` bytes to `size` bytes. */
export function unpackPpmd(packed: Packed, sizeMax: number, goesOn: () => boolean): Inflated {
  const size = packed.packedSize || packed.bytes.length;
  const archive = new LibraryArchive(wrapped(packed.bytes.subarray(0, size), packed), {
    isZip: true,
  });
  if (archive.next() === undefined)
    return { bytes: new Uint8Array(0), consumed: 0, end: "corrupt" };
  const { bytes, end } = archive.read(sizeMax, goesOn);
  if (end === "too-large") return { bytes, consumed: 0, end };
  // Without a checksum in the header (AES has another one) the library keeps the last bytes back.
  return { bytes, consumed: size, end: end === "whole" ? "whole" : "corrupt" };
}

function wrapped(data: Buffer, { size, crc }: Packed): Buffer {
  const local = Buffer.alloc(LOCAL_BYTES);
  local.write("PK\x03\x04", "latin1");
  const central = Buffer.alloc(CENTRAL_BYTES);
  central.write("PK\x01\x02", "latin1");
  for (const [header, at] of [
    [local, 4],
    [central, 6],
  ] as const) {
    header.writeUInt16LE(63, at);
    header.writeUInt16LE(98, at + 4);
    header.writeUInt32LE(crc, at + 10);
    header.writeUInt32LE(data.length, at + 14);
    header.writeUInt32LE(size >>> 0, at + 18);
    header.writeUInt16LE(NAME.length, at + 22);
  }
  const end = Buffer.alloc(END_BYTES);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(CENTRAL_BYTES + NAME.length, 12);
  end.writeUInt32LE(LOCAL_BYTES + NAME.length + data.length, 16);
  const name = Buffer.from(NAME);
  return Buffer.concat([local, name, data, central, name, end]);
}

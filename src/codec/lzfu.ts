// Compressed RTF ("LZFu") as Outlook keeps message bodies in winmail.dat and .msg files: LZ77 over
// a ring of 4 KB that begins with words common in RTF. [MS-OXRTFCP] §2.

/** What came out of a compressed RTF stream. */
export interface Rtf {
  readonly bytes: Uint8Array;
  /** "truncated" and "too-large" give what could be had; "corrupt" has no header that fits. */
  readonly end: "whole" | "truncated" | "too-large" | "corrupt";
}

const HEADER_BYTES = 16;
const COMPRESSED = 0x75465a4c;
const STORED = 0x414c454d;
const RING = 4096;
// [MS-OXRTFCP] §2.1.2.1: what the ring holds at the start.
const PRELOAD =
  "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss " +
  "\\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier" +
  "{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/**
 * Decompresses the value of PidTagRtfCompressed to at most `sizeMax` bytes. The sizes in its header
 * only tune the buffer. Never throws.
 */
export function decompressRtf(input: Uint8Array, sizeMax: number): Rtf {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (input.length < HEADER_BYTES) return { bytes: new Uint8Array(0), end: "corrupt" };
  const rawSize = view.getUint32(4, true);
  const kind = view.getUint32(8, true);
  if (kind === STORED) return stored(input, rawSize, sizeMax);
  if (kind !== COMPRESSED) return { bytes: new Uint8Array(0), end: "corrupt" };
  // The first field counts the bytes behind itself; what follows is padding.
  const end = Math.min(input.length, view.getUint32(0, true) + 4);
  return unpack(input.subarray(HEADER_BYTES, Math.max(end, HEADER_BYTES)), rawSize, sizeMax);
}

function stored(input: Uint8Array, rawSize: number, sizeMax: number): Rtf {
  const there = input.subarray(HEADER_BYTES, HEADER_BYTES + rawSize);
  if (there.length > sizeMax) return { bytes: there.subarray(0, sizeMax), end: "too-large" };
  return { bytes: there, end: there.length < rawSize ? "truncated" : "whole" };
}

// One control byte says of the next eight items which are references (set) and which literals.
// A reference is 12 bits of ring position and 4 bits of length; one to where the ring is being
// written is the end. [MS-OXRTFCP] §2.2.
function unpack(packed: Uint8Array, rawSize: number, sizeMax: number): Rtf {
  // Nine packed bytes make 136 at best, so a size in the header beyond that is a lie.
  const room = Math.min(sizeMax, packed.length * 17 + 17);
  const ring = Buffer.alloc(RING);
  let write = ring.write(PRELOAD, "latin1");
  let output: Uint8Array = Buffer.allocUnsafeSlow(Math.min(room, Math.max(64, rawSize)));
  let size = 0;
  const put = (byte: number): boolean => {
    if (size >= room) return false;
    if (size === output.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(room, size * 2));
      larger.set(output);
      output = larger;
    }
    output[size++] = byte;
    ring[write] = byte;
    write = (write + 1) % RING;
    return true;
  };
  const ended = (end: Rtf["end"]): Rtf => ({ bytes: output.subarray(0, size), end });
  for (let at = 0; at < packed.length; ) {
    const control = packed[at++] as number;
    for (let bit = 0; bit < 8; bit++) {
      if (at >= packed.length) return ended("truncated");
      const first = packed[at++] as number;
      if (((control >> bit) & 1) === 0) {
        if (!put(first)) return ended("too-large");
        continue;
      }
      if (at >= packed.length) return ended("truncated");
      const reference = (first << 8) | (packed[at++] as number);
      const from = reference >> 4;
      if (from === write) return ended("whole");
      for (let n = 0; n < (reference & 15) + 2; n++) {
        if (!put(ring[(from + n) % RING] as number)) return ended("too-large");
      }
    }
  }
  // Some writers leave the end mark out; then the declared size decides.
  return ended(size === rawSize ? "whole" : "truncated");
}

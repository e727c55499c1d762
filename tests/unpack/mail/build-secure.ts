// Writes signed mail of both schools: PGP packets and PKCS #7.

/** Object identifiers of PKCS #7 content types, their bytes in hexadecimal. RFC 5652. */
export const OID = {
  data: "2a864886f70d010701",
  signed: "2a864886f70d010702",
  enveloped: "2a864886f70d010703",
  authEnveloped: "2a864886f70d0109100117",
  compressed: "2a864886f70d0109100109",
} as const;
/** A packet with an old header (two bytes of length). RFC 9580 §4.2.2. */
export const oldPacket = (tag: number, body: Buffer) =>
  Buffer.concat([Buffer.from([0x81 | (tag << 2), body.length >> 8, body.length & 255]), body]);

/** A packet with a new header; longer ones in partial lengths of 512. RFC 9580 §4.2.1.4. */
export function pgpPacket(tag: number, body: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from([0xc0 | tag])];
  let at = 0;
  for (; body.length - at > 512; at += 512) {
    parts.push(Buffer.from([0xe9]), body.subarray(at, at + 512));
  }
  const left = body.length - at;
  const length = left < 192 ? [left] : [((left - 192) >> 8) + 192, (left - 192) & 255];
  return Buffer.concat([...parts, Buffer.from(length), body.subarray(at)]);
}

/** The body of a packet of literal data. */
export const pgpLiteral = (text: string | Uint8Array, name = "a.txt") =>
  Buffer.concat([
    Buffer.from(`b${String.fromCharCode(name.length)}${name}`),
    Buffer.alloc(4),
    Buffer.from(text as Uint8Array),
  ]);
/** An element; up to 16 MB. ITU-T X.690 §10.1. */
export function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  const length =
    body.length < 128
      ? [body.length]
      : [0x83, body.length >> 16, (body.length >> 8) & 255, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

/** The same with an indefinite length. */
export const ber = (tag: number, ...contents: readonly Buffer[]) =>
  Buffer.concat([Buffer.from([tag, 0x80]), ...contents, Buffer.alloc(2)]);

/** An object identifier, of its bytes in hexadecimal. */
export const oid = (hex: string) => der(6, Buffer.from(hex, "hex"));
/** An octet string. */
export const octets = (text: string | Buffer) => der(4, Buffer.from(text));
/** The number 1. */
export const integer = der(2, Buffer.from([1]));
/** A set of digest algorithms: SHA-256. */
export const algorithms = der(0x31, der(0x30, oid("608648016503040201"), der(5)));

/** SignedData around `content`, with a signature that nobody could verify. RFC 5652 §5. */
export const signed = (content: Buffer, wrap = der) =>
  wrap(
    0x30,
    oid(OID.signed),
    wrap(
      0xa0,
      wrap(
        0x30,
        integer,
        algorithms,
        wrap(0x30, oid(OID.data), content),
        der(0x31, der(0x30, integer)),
      ),
    ),
  );

// DER for tests: elements, and the signature of a program as Authenticode has it, signed by nobody.
import { createHash } from "node:crypto";

/** An element with these contents. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const length = body.length < 0x80 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

/** An object identifier from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes: number[] = [];
  for (const number of [first * 40 + second, ...rest]) {
    const digits = [number % 128];
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128)) {
      digits.unshift(128 + (left % 128));
    }
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

export interface BuiltSignature {
  readonly subject: string | Uint8Array;
  readonly serial: Uint8Array;
  readonly digest: Uint8Array;
  /** A whole signature among the attributes of this one. */
  readonly nested?: Uint8Array;
}

const utf8 = (text: string | Uint8Array) => der(0x0c, Buffer.from(text));
const name = (attribute: string, text: string | Uint8Array) =>
  der(0x31, der(0x30, oid(attribute), utf8(text)));
const algorithm = (id: string) => der(0x30, oid(id), der(0x05));
const attribute = (id: string, value: Uint8Array) => der(0x30, oid(id), der(0x31, value));
const number = (bytes: Uint8Array) => der(0x02, bytes);

// A key that is well formed, for readers that look; nobody has the other half.
const modulus = number(Buffer.concat([Buffer.from([0]), Buffer.alloc(64, 0xc5)]));
const publicKey = der(
  0x30,
  algorithm("1.2.840.113549.1.1.1"),
  der(0x03, Buffer.from([0]), der(0x30, modulus, number(Buffer.from([1, 0, 1])))),
);

/** A PKCS #7 message with one signer. RFC 5652 §5. */
export function buildSignature({ subject, serial, digest, nested }: BuiltSignature): Buffer {
  const issuer = der(0x30, name("2.5.4.6", "DE"), name("2.5.4.3", "Issuer"));
  const one = Buffer.from([1]);
  const certificate = der(
    0x30,
    der(
      0x30,
      ...[der(0xa0, number(Buffer.from([2]))), number(serial), algorithm("1.2.840.113549.1.1.11")],
      ...[issuer, der(0x30, der(0x17, Buffer.from("200102030405Z")), timeAfter2050)],
      ...[der(0x30, name("2.5.4.3", subject), name("1.2.3.4", "x")), publicKey],
    ),
    algorithm("1.2.840.113549.1.1.11"),
    der(0x03, Buffer.from([0, 1])),
  );
  const info = der(0x30, algorithm("1.3.14.3.2.26"), der(0x04, digest));
  const image = der(0x30, der(0x03, Buffer.from([0])));
  const indirect = der(0x30, der(0x30, oid("1.3.6.1.4.1.311.2.1.15"), image), info);
  const content = der(0x30, oid("1.3.6.1.4.1.311.2.1.4"), der(0xa0, indirect));
  const known = der(
    0xa0,
    attribute("1.2.840.113549.1.9.3", oid("1.3.6.1.4.1.311.2.1.4")),
    attribute("1.2.840.113549.1.9.4", der(0x04, createHash("sha1").update(indirect).digest())),
  );
  const attributes =
    nested === undefined
      ? []
      : [der(0xa1, der(0x30, oid("1.3.6.1.4.1.311.2.4.1"), der(0x31, nested)))];
  const signer = der(
    0x30,
    ...[number(one), der(0x30, issuer, number(serial)), algorithm("1.3.14.3.2.26"), known],
    ...[algorithm("1.2.840.113549.1.1.1"), der(0x04, one), ...attributes],
  );
  const signed = der(
    0x30,
    ...[number(one), der(0x31, algorithm("1.3.14.3.2.26")), content],
    ...[der(0xa0, certificate), der(0x31, signer)],
  );
  return der(0x30, oid("1.2.840.113549.1.7.2"), der(0xa0, signed));
}

const timeAfter2050 = der(0x18, Buffer.from("20510102030405Z"));

/** An entry of a program's table of signatures. */
export function certificateEntry(message: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  const size = Math.ceil((8 + message.length) / 8) * 8;
  head.writeUInt32LE(size, 0);
  head.writeUInt32LE(0x0002_0200, 4);
  return Buffer.concat([head, message], size);
}

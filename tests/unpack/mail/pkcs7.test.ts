import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { behindBer, octetsOf, oidText, readBer } from "../../../src/codec/ber.ts";
import { explodeMail } from "../../../src/mime/explode.ts";
import { fileType } from "../../../src/scan/file-type.ts";
import { explodePem, explodePkcs7 } from "../../../src/unpack/mail/pkcs7.ts";
import { explodeMbox } from "../../../src/unpack/mbox.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { algorithms, ber, der, integer, OID, octets, oid, signed } from "./build-secure.ts";

const ENTITY = "Content-Type: text/plain\r\n\r\nhello";

function open(bytes: Buffer) {
  const { status, extracts } = drain(explodePkcs7(bytes, budgetOf()));
  return { status, files: extracts.map((one) => [one.declaredType, textOf(one.bytes)]) };
}

const pieces = ber(0x24, octets(ENTITY.slice(0, 20)), ber(0x24, octets(ENTITY.slice(20))));

test.each<[string, Buffer, string, [string, string][]]>([
  ["a signed message", signed(der(0xa0, octets(ENTITY))), "clean", [["message/rfc822", ENTITY]]],
  [
    "one in pieces of open length",
    signed(ber(0xa0, pieces), ber),
    "clean",
    [["message/rfc822", ENTITY]],
  ],
  ["a signed file", signed(der(0xa0, octets("%PDF-1.7 x"))), "clean", [["", "%PDF-1.7 x"]]],
  ["a detached signature", signed(Buffer.alloc(0)), "clean", []],
  [
    "an enveloped message",
    der(0x30, oid(OID.enveloped), der(0xa0, der(0x30, integer))),
    "protected",
    [],
  ],
  ["an authenticated one", der(0x30, oid(OID.authEnveloped), der(0xa0, integer)), "protected", []],
  ["plain data", der(0x30, oid(OID.data), der(0xa0, octets("data"))), "clean", [["", "data"]]],
  [
    "a compressed message",
    der(
      0x30,
      oid(OID.compressed),
      der(
        0xa0,
        der(
          0x30,
          integer,
          der(0x30, oid("2a864886f70d0109100308")),
          der(0x30, oid(OID.data), der(0xa0, octets(deflateSync(ENTITY)))),
        ),
      ),
    ),
    "clean",
    [["message/rfc822", ENTITY]],
  ],
])("explodePkcs7() opens %s as far as it can be", (_, bytes, status, files) => {
  expect(fileType(bytes)).toBe("smime");
  expect(open(bytes)).toEqual({ status, files } as ReturnType<typeof open>);
});

test("explodePkcs7() opens CMS that stands in CMS without MIME", () => {
  const inner = der(0x30, integer, algorithms, der(0x30, oid(OID.data), der(0xa0, octets(ENTITY))));
  const outer = der(
    0x30,
    oid(OID.signed),
    der(0xa0, der(0x30, integer, algorithms, der(0x30, oid(OID.signed), der(0xa0, octets(inner))))),
  );
  expect(open(outer).files).toEqual([["message/rfc822", ENTITY]]);
});

test("explodePkcs7() gives what a cut object holds, and calls it damaged", () => {
  const whole = signed(der(0xa0, octets(ENTITY)));
  const late = open(whole.subarray(0, -3));
  expect(late).toEqual({ status: "damaged", files: [["message/rfc822", ENTITY]] });
  const early = open(whole.subarray(0, 85));
  expect(early.status).toBe("damaged");
  expect(early.files[0]?.[1]).toStartWith("Content-Type");
  expect(open(Buffer.from("30", "hex")).status).toBe("damaged");
});

test("explodePem() gives CMS objects, and leaves certificates alone", () => {
  const pem = (label: string) =>
    `-----BEGIN ${label}-----\n${signed(der(0xa0, octets(ENTITY))).toString("base64")}\n-----END ${label}-----\n`;
  const found = drain(
    explodePem(Buffer.from(pem("CERTIFICATE") + pem("PKCS7") + pem("CMS")), budgetOf()),
  );
  expect(found.extracts.map(({ bytes }) => fileType(bytes))).toEqual(["smime", "smime"]);
});

test("readBer() refuses what has no length, and never reads beyond the end", () => {
  expect(readBer(Buffer.from("0480", "hex"), 0, 2)).toBeUndefined();
  expect(readBer(Buffer.from("04", "hex"), 0, 1)).toBeUndefined();
  expect(readBer(Buffer.from("0487", "hex"), 0, 2)).toBeUndefined();
  expect(readBer(Buffer.from("0405ab", "hex"), 0, 3)).toMatchObject({ end: 3, isCut: true });
});

test("behindBer() walks over nested open lengths, however deep", () => {
  const depth = 50_000;
  const bytes = Buffer.concat([
    Buffer.from("3080".repeat(depth), "hex"),
    Buffer.alloc(2 * depth),
    octets("x"),
  ]);
  const element = readBer(bytes, 0, bytes.length);
  expect(element && behindBer(bytes, element)).toBe(4 * depth);
});

test("octetsOf() joins pieces, and tells when the last is missing", () => {
  const read = (bytes: Buffer) => octetsOf(bytes, readBer(bytes, 0, bytes.length) as never);
  expect(textOf(read(pieces).bytes)).toBe(ENTITY);
  expect(read(pieces.subarray(0, -2)).isWhole).toBe(false);
});

test("oidText() writes dotted numbers", () => {
  expect(oidText(Buffer.from(OID.authEnveloped, "hex"))).toBe("1.2.840.113549.1.9.16.1.23");
});

// A mailbox with S/MIME of many programs: none of it is damaged, and signed messages are opened.
const { GW_CORPUS = "../shared/corpus" } = process.env;
const MAILBOX = join(GW_CORPUS, "mime/mimekit/mbox/content-length.mbox.txt");
const mailbox = existsSync(MAILBOX) ? readFileSync(MAILBOX) : Buffer.alloc(0);

test.skipIf(mailbox.length === 0)("explodePkcs7() opens what real programs sign", () => {
  const ends: Record<string, number> = {};
  for (const mail of drain(explodeMbox(mailbox, budgetOf())).extracts) {
    for (const part of drain(explodeMail(mail.bytes, budgetOf())).extracts) {
      if (fileType(part.bytes) !== "smime") continue;
      const { status, extracts } = drain(explodePkcs7(part.bytes, budgetOf()));
      const end = extracts.length > 0 ? "opened" : status;
      ends[end] = (ends[end] ?? 0) + 1;
    }
  }
  expect(ends).toEqual({ opened: 3, protected: 6, clean: 11 });
});

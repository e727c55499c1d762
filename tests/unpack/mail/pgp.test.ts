import { expect, test } from "bun:test";
import { deflateRawSync, deflateSync } from "node:zlib";
import { fileType } from "../../../src/scan/file-type.ts";
import { explodeArmour, explodePgp } from "../../../src/unpack/mail/pgp.ts";
import { unpackerFor } from "../../../src/unpack/registry.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { pgpLiteral as literal, oldPacket as old, pgpPacket as packet } from "./build-secure.ts";

const compressed = (method: number, body: Buffer) => Buffer.concat([Buffer.from([method]), body]);
const sessionKey = Buffer.concat([
  Buffer.from([3]),
  Buffer.alloc(8, 7),
  Buffer.from([1, 0, 9, 1, 1]),
]);
const armour = (kind: string, body: Buffer) =>
  `-----BEGIN PGP ${kind}-----\nVersion: x\n\n${body.toString("base64")}\n=abcd\n-----END PGP ${kind}-----\n`;

const open = (bytes: Buffer | string) => {
  const { status, extracts } = drain(explodePgp(Buffer.from(bytes as Buffer), budgetOf()));
  return { status, files: extracts.map((one) => [one.name, textOf(one.bytes)]) };
};
const A = [["a.txt", "content"]];

test.each<[string, Buffer, string, string[][]]>([
  ["a literal", packet(11, literal("content")), "clean", A],
  ["an old literal", old(11, literal("content")), "clean", A],
  [
    "a signed literal",
    Buffer.concat([packet(4, Buffer.alloc(13)), packet(11, literal("content"))]),
    "clean",
    A,
  ],
  [
    "deflated data",
    packet(8, compressed(1, deflateRawSync(packet(11, literal("content"))))),
    "clean",
    A,
  ],
  ["zlib data", old(8, compressed(2, deflateSync(old(11, literal("content"))))), "clean", A],
  ["data of no method", packet(8, compressed(0, packet(11, literal("content")))), "clean", A],
  [
    "bzip2 data",
    packet(8, compressed(3, Buffer.from("BZh9x"))),
    "clean",
    [["compressed content", "BZh9x"]],
  ],
  [
    "an encrypted message",
    Buffer.concat([packet(1, sessionKey), packet(18, Buffer.alloc(30))]),
    "protected",
    [],
  ],
  [
    "one for a password",
    Buffer.concat([packet(3, Buffer.alloc(13)), packet(18, Buffer.alloc(30))]),
    "protected",
    [],
  ],
  ["a key", packet(6, Buffer.alloc(40)), "clean", []],
  ["an unknown method", packet(8, compressed(9, Buffer.alloc(9))), "unscanned", []],
  ["a cut literal", packet(11, literal("content")).subarray(0, -3), "damaged", [["a.txt", "cont"]]],
])("explodePgp() opens %s as far as it can be", (_, bytes, status, files) => {
  expect(open(bytes)).toEqual({ status, files } as ReturnType<typeof open>);
});

test("explodePgp() joins partial lengths", () => {
  const long = "0123456789".repeat(300);
  expect(open(packet(11, literal(long)))).toEqual({ status: "clean", files: [["a.txt", long]] });
});

test.each<[string, string, string, string[][]]>([
  ["an encrypted message", armour("MESSAGE", packet(1, sessionKey)), "protected", []],
  ["a signed message", armour("MESSAGE", packet(11, literal("content"))), "clean", A],
  ["a key", armour("PUBLIC KEY BLOCK", packet(6, Buffer.alloc(40))), "clean", []],
  ["a signature", armour("SIGNATURE", packet(2, Buffer.alloc(40))), "clean", []],
  [
    "cleartext",
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- --dash\ntext\n-----BEGIN PGP SIGNATURE-----\n\niQ\n-----END PGP SIGNATURE-----",
    "clean",
    [["signed text", "--dash\ntext\n"]],
  ],
])("explodePgp() reads the armour of %s", (_, text, status, files) => {
  expect(fileType(Buffer.from(text))).toBe("pgp");
  expect(open(text)).toEqual({ status, files } as ReturnType<typeof open>);
});

test("explodeArmour() finds a message quoted in a text, and nothing in text about armour", () => {
  const quoted = `Hi\n> ${armour("MESSAGE", packet(1, sessionKey)).replaceAll("\n", "\n> ")}`;
  expect(drain(explodeArmour(Buffer.from(quoted), budgetOf())).status).toBe("protected");
  const prose = 'a line "-----BEGIN PGP MESSAGE-----" opens it';
  expect(drain(explodeArmour(Buffer.from(prose), budgetOf()))).toMatchObject({ extracts: [] });
});

test.each<[string, string]>([
  ["a password message", "8c0d04090302"],
  ["a one-pass signature", "900d03000801"],
  ["zlib data", "a30278da"],
])("fileType() knows %s", (_, hex) => {
  expect(fileType(Buffer.from(`${hex}0102030405060708`, "hex"))).toBe("pgp");
});

test("explodePgp() is bounded in nesting and packets", () => {
  let nested = packet(11, literal("content"));
  for (let depth = 0; depth < 12; depth++)
    nested = packet(8, compressed(1, deflateRawSync(nested)));
  expect(open(nested).status).toBe("unscanned");
  expect(open(Buffer.concat(Array<Buffer>(3000).fill(packet(10, Buffer.from("PGP"))))).status).toBe(
    "unscanned",
  );
});

test("armour is read together with the text around it", () => {
  const block = armour("MESSAGE", packet(11, literal("content")));
  const bytes = Buffer.from(`${block}\nbegin 644 b.txt\n#86)C\n\`\nend\n`);
  const unpack = unpackerFor(fileType(bytes));
  const names = unpack && drain(unpack(bytes, budgetOf())).extracts.map(({ name }) => name);
  expect(names).toEqual(["b.txt", "a.txt"]);
});

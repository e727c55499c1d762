// Old texts and presentations, encrypted here with passwords that stand in the mail, or do not.
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { explodeOle2 } from "../../../src/unpack/office/ole2.ts";
import { budgetOf, budgetWith, drain, textOf } from "../../harness/extracts.ts";
import { buildCompound } from "./build-compound.ts";
import { u16, u32 } from "./build-office.ts";
import { rc4, rc4Info } from "./encrypt-rc4.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const PASSWORD = "the4nother";
const TEXT = "the text of the document ".repeat(100);

function word(bits: number): Buffer {
  const { info, keyOf } = rc4Info(PASSWORD, bits);
  const seal = (clear: Buffer, kept: number) => {
    const sealed = Buffer.from(clear);
    for (let at = 0; at < clear.length; at += 512) {
      rc4(keyOf(at / 512), clear.subarray(at, at + 512)).copy(sealed, at);
    }
    clear.copy(sealed, 0, 0, kept);
    return sealed;
  };
  const head = Buffer.alloc(68);
  head.writeUInt16LE(0xa5ec, 0);
  head.writeUInt16LE(0x0100 | 0x0200, 10);
  head.writeUInt32LE(info.length, 14);
  return buildCompound({
    WordDocument: seal(Buffer.concat([head, Buffer.from(TEXT)]), 68),
    "1Table": seal(Buffer.concat([info, Buffer.from(`table: ${TEXT}`)]), info.length),
    Data: seal(Buffer.from(`data: ${TEXT}`), 0),
  });
}

const record = (type: number, data: Buffer) =>
  Buffer.concat([u16(0x0f), u16(type), u32(data.length), data]);

// A document, an edit, and the list of objects: 1 is the document, 2 the session.
function slides(): Buffer {
  const { info, keyOf } = rc4Info(PASSWORD, 128);
  const document = rc4(keyOf(1), record(0x03e8, Buffer.from(TEXT)));
  const session = record(0x2f14, info);
  const places = Buffer.concat([u32((2 << 20) | 1), u32(0), u32(document.length)]);
  const directory = record(0x1772, places);
  const at = document.length + session.length;
  const fields = [u32(0), u32(0), u32(0), u32(at), u32(1), u32(3), u32(0), u32(2)];
  const edit = record(0x0ff5, Buffer.concat(fields));
  const user = Buffer.concat([u32(0), u32(0), u32(20), u32(0xf3d1c4df)]);
  return buildCompound({
    "PowerPoint Document": Buffer.concat([document, session, directory, edit]),
    "Current User": Buffer.concat([user, u32(at + directory.length)]),
  });
}

function open(bytes: Uint8Array, text = `Kennwort: ${PASSWORD}`) {
  const { status, note, extracts } = drain(explodeOle2(bytes, budgetWith(text)));
  return { status, note, files: new Map(extracts.map((one) => [one.name, textOf(one.bytes)])) };
}

describe("explodeOle2() of encrypted old documents", () => {
  test.each([
    ["128-bit RC4", 128],
    ["40-bit RC4", 40],
    ["the oldest RC4", 0],
  ])("opens a text with %s", (_, bits) => {
    const { status, note, files } = open(word(bits));
    expect({ status, note }).toEqual({
      status: "clean",
      note: `opened with the password "${PASSWORD}"`,
    });
    expect(files.get("decrypted WordDocument")).toContain(TEXT);
    expect(files.get("decrypted 1Table")).toContain(`table: ${TEXT}`);
    expect(files.get("decrypted Data")).toBe(`data: ${TEXT}`);
  });

  test("opens a presentation", () => {
    const { status, files } = open(slides());
    expect(status).toBe("clean");
    expect(files.get("decrypted PowerPoint Document")).toContain(TEXT);
  });

  test("opens one that PowerPoint wrote", () => {
    const path = join(GW_CORPUS, "containers", "msoffcrypto/inputs/rc4cryptoapi_password.ppt");
    const found = existsSync(path)
      ? open(readFileSync(path), "password: Password1234_")
      : undefined;
    expect(found?.status ?? "clean").toBe("clean");
    const opened = found?.files.get("decrypted PowerPoint Document") ?? "\x0f\0\xe8\x03";
    expect(opened.slice(0, 4)).toBe("\x0f\0\xe8\x03");
  });

  test.each([
    ["a text", word(128), "encrypted (Word, RC4)"],
    ["an old text", word(0), "encrypted (Word, RC4)"],
    ["a presentation", slides(), "encrypted (PowerPoint)"],
  ])("leaves %s protected that no candidate opens", (_, bytes, note) => {
    const found = open(bytes, "nothing");
    expect([found.status, found.note]).toEqual(["protected", note]);
  });

  test("objects that lie in each other, and edits in a circle, end", () => {
    const bytes = slides();
    const at = bytes.indexOf(Buffer.concat([u16(0x0f), u16(0x0ff5)]));
    for (const [field, value] of [
      [8, 0xffff_ffff],
      [8, 1],
      [12, 0xffff_fff0],
    ] as const) {
      const changed = Buffer.from(bytes);
      changed.writeUInt32LE(value, at + 8 + field);
      expect(() => drain(explodeOle2(changed, budgetOf()))).not.toThrow();
    }
  });
});

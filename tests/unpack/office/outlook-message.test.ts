import { describe, expect, test } from "bun:test";
import { explodeOle2 } from "../../../src/unpack/office/ole2.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { buildCompound } from "./build-compound.ts";
import { buildMessage, property, u32, wide } from "./build-office.ts";

/** RTF in the form for what does not compress. */
function packRtf(text: string): Buffer {
  const head = [u32(text.length + 12), u32(text.length), u32(0x414c454d), u32(0)];
  return Buffer.concat([...head, Buffer.from(text)]);
}

const RTF = "{\\rtf1 hello}";

describe("explodeOle2() of an Outlook message", () => {
  const explode = (bytes: Uint8Array) => drain(explodeOle2(bytes, budgetOf()));

  test("gives bodies and attachments under the names a reader sees", () => {
    const { extracts, status } = explode(buildMessage(Buffer.from("MZ program"), packRtf(RTF)));
    const found = Object.fromEntries(
      extracts.map(({ name, bytes, declaredType }) => [
        name,
        [declaredType, Buffer.from(bytes).toString()],
      ]),
    );
    const { properties, ...rest } = found;
    expect(rest).toEqual({
      "headers.txt": ["text/plain", "Received: from a\r\n"],
      "body.txt": ["text/plain", "Grüße"],
      "body.html": ["text/html", "<html>hello</html>"],
      "body.rtf": ["application/rtf", RTF],
      "invoice for may.exe": ["application/octet-stream", "MZ program"],
      "Fwd: report/body.txt": ["text/plain", "inner body"],
      "Fwd: report/deep.js": ["", "WScript.Echo(1)"],
    });
    expect(properties?.[1]).toContain("Subject of it\n");
    expect(properties?.[1]).toContain("b@example.org\n");
    expect(status).toBe("clean");
  });

  test("gives both names of an attachment if their extensions differ", () => {
    const storage = "__attach_version1.0_#00000000";
    const bytes = buildCompound({
      "__properties_version1.0": "x",
      [`${storage}/${property("3704")}`]: wide("a.exe"),
      [`${storage}/${property("3707")}`]: wide("a.pdf"),
      [`${storage}/${property("3701", "0102")}`]: "content",
    });
    expect(explode(bytes).extracts.map(({ name }) => name)).toContain("a.pdf | a.exe");
  });

  test("takes embedded objects apart that are no messages", () => {
    const storage = "__attach_version1.0_#00000000";
    const bytes = buildCompound({
      "__properties_version1.0": "x",
      [`${storage}/${property("3001")}`]: wide("Picture"),
      [`${storage}/__substg1.0_3701000D/CONTENTS`]: "embedded",
    });
    const found = explode(bytes).extracts.find(({ name }) => name === "Picture/CONTENTS");
    expect(found && textOf(found.bytes)).toBe("embedded");
  });

  test("gives large properties and unknown streams by themselves", () => {
    const bytes = buildCompound({
      "__properties_version1.0": "x",
      [property("8001", "0102")]: Buffer.alloc(200, "x"),
      other: "y",
    });
    const names = explode(bytes).extracts.map(({ name }) => name);
    expect(names.sort()).toEqual(["__substg1.0_80010102", "other", "properties"]);
  });

  test("calls a message with a broken body damaged", () => {
    const found = explode(buildMessage(Buffer.from("x"), Buffer.alloc(100)));
    expect(found).toMatchObject({ status: "damaged", note: "the RTF body is damaged" });
    expect(found.extracts.map(({ name }) => name)).toContain("invoice for may.exe");
  });

  test("ends when streams overlap", () => {
    const properties = Object.fromEntries(
      Array.from({ length: 500 }, (_, n) => [property((0x6000 + n).toString(16)), "x"]),
    );
    const bytes = buildCompound({
      "__properties_version1.0": "x",
      body: Buffer.alloc(1 << 20, "x"),
      ...properties,
    });
    for (const name of Object.keys(properties)) {
      const at = bytes.indexOf(wide(name), 1 << 20);
      bytes.writeUInt32LE(0, at + 116);
      bytes.writeUInt32LE(1 << 20, at + 120);
    }
    expect(explode(bytes)).toMatchObject({ status: "unscanned", note: "its streams overlap" });
  });
});

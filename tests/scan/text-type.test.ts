import { describe, expect, test } from "bun:test";
import { isTextual, textType } from "../../src/scan/text-type.ts";

const bytesOf = (text: string) => Buffer.from(text, "latin1");

describe("isTextual()", () => {
  test.each([
    ["plain words", "a b\tc\r\nd\f", true],
    ["words in any 8-bit character set", "caf\xe9 \xa4", true],
    ["terminal colours and DOS's end of file", "\x1b[1mx\x1a", true],
    ["a NUL", "a\0b", false],
    ["a start of heading", "a\x01b", false],
  ])("of %s", (_what, text, expected) => {
    expect(isTextual(bytesOf(text))).toBe(expected);
  });

  test("looks at the first 256 bytes only", () => {
    expect(isTextual(bytesOf(`${"x".repeat(255)}\0`))).toBe(false);
    expect(isTextual(bytesOf(`${"x".repeat(256)}\0`))).toBe(true);
  });
});

describe("textType()", () => {
  test("sees a header section whatever control characters follow it", () => {
    expect(textType(bytesOf("Received: x\r\n\r\n\0\0"))).toBe("mail");
  });

  test("sees markup whatever control characters follow it", () => {
    expect(textType(bytesOf("<script>\0</script>"))).toBe("html");
  });

  test("is undefined for what is no text", () => {
    expect(textType(bytesOf("\x01\x02\x03"))).toBeUndefined();
  });

  test("takes no field name for one that objects have of their own", () => {
    expect(textType(bytesOf("constructor: a\r\n__proto__: b\r\nvalueOf: c\r\n"))).toBe("text");
  });

  test("weighs no more than forty lines", () => {
    const fields = (count: number) => "X: 1\n".repeat(count);
    expect(textType(bytesOf(`${fields(39)}Received: x\n`))).toBe("mail");
    expect(textType(bytesOf(`${fields(40)}Received: x\n`))).toBe("text");
  });
});

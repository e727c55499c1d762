import { expect, test } from "bun:test";
import { rc4 } from "../../src/codec/rc4.ts";

test.each([
  ["Key", "Plaintext", "bbf316e8d940af0ad3"],
  ["Wiki", "pedia", "1021bf0420"],
])("rc4() with the key %s gives the published bytes, and undoes itself", (key, plain, hex) => {
  const sealed = rc4(Buffer.from(key), Buffer.from(plain));
  expect(sealed.toString("hex")).toBe(hex);
  expect(rc4(Buffer.from(key), sealed).toString()).toBe(plain);
});

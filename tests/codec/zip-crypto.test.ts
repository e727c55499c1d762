import { expect, test } from "bun:test";
import { ZipKeys } from "../../src/codec/zip-crypto.ts";

test("what was encrypted is decrypted with the same password, and not with another", () => {
  const clear = Buffer.from("The quick brown fox jumps over the lazy dog. ".repeat(20));
  const encrypt = new ZipKeys(Buffer.from("infected"));
  const secret = clear.map((byte) => encrypt.encrypt(byte));
  const decrypted = (password: string) => {
    const keys = new ZipKeys(Buffer.from(password));
    return Buffer.from(secret.map((byte) => keys.decrypt(byte)));
  };
  expect(decrypted("infected").equals(clear)).toBe(true);
  expect(decrypted("infectee").equals(clear)).toBe(false);
});

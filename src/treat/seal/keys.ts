// Private keys that sign, out of files.

import { createPrivateKey } from "node:crypto";
import { readFileSync, statSync } from "node:fs";

const FILE_SIZE_MAX = 65_536;
/** RFC 8301 §3.2: shorter ones must not be used. */
const RSA_BITS_MIN = 1024;

/** The key in a file, as PEM; throws what is wrong with it. */
export function readSigningKey(path: string): string {
  if (statSync(path).size > FILE_SIZE_MAX) throw new Error(`${path}: too large for a key`);
  const pem = readFileSync(path, "utf8");
  const key = parsed(pem, path);
  if (key.asymmetricKeyType === "ed25519") return pem;
  if (key.asymmetricKeyType !== "rsa") {
    throw new Error(`${path}: neither an RSA nor an Ed25519 key`);
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < RSA_BITS_MIN) {
    throw new Error(`${path}: RSA of ${bits} bits; ${RSA_BITS_MIN} are the least, 2048 the rule`);
  }
  return pem;
}

function parsed(pem: string, path: string) {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const isLocked = /ENCRYPTED/.test(pem);
    const what = isLocked
      ? "the key has a passphrase; gw needs it without"
      : "no private key in PEM";
    throw new Error(`${path}: ${what}`, { cause: error });
  }
}

// Numbers computed over a whole Windows program: its checksum, and the digest that signatures are
// made over. Both leave out the fields that hold them.

import { DIRECTORY, type PeImage } from "./image.ts";

const CHECKSUM_AT = 64;
const WORD = 0x1_0000;

/** The checksum as the linker computes it: 16-bit words with carry, and the file's size. */
export function peChecksum(image: PeImage): number {
  const { bytes } = image.reader;
  const skipped = image.layout.optionalHeader + CHECKSUM_AT;
  let sum = 0;
  // Carries are folded at the end: 2^37 words would be needed to lose one.
  for (let at = 0; at < bytes.length; at += 2) {
    if (at === skipped || at === skipped + 2) continue;
    sum += (bytes[at] as number) | ((bytes[at + 1] ?? 0) << 8);
  }
  while (sum >= WORD) sum = (sum % WORD) + Math.floor(sum / WORD);
  return (sum + bytes.length) % (WORD * WORD);
}

/** The digest that an Authenticode signature is made over, in hex. */
export function authenticodeDigest(
  image: PeImage,
  algorithm: "md5" | "sha1" | "sha256" | "sha384" | "sha512",
): string {
  const { bytes } = image.reader;
  const { optionalHeader, is64 } = image.layout;
  const checksum = optionalHeader + CHECKSUM_AT;
  const directory = optionalHeader + (is64 ? 112 : 96) + DIRECTORY.security * 8;
  const { address = 0, size = 0 } = image.directories[DIRECTORY.security] ?? {};
  const end = address === 0 ? bytes.length : Math.min(bytes.length, address);
  const hasher = new Bun.CryptoHasher(algorithm);
  hasher.update(bytes.subarray(0, checksum));
  hasher.update(bytes.subarray(checksum + 4, Math.max(checksum + 4, directory)));
  hasher.update(bytes.subarray(Math.min(directory + 8, end), end));
  // What stands behind the signatures was signed as well.
  if (address !== 0) hasher.update(bytes.subarray(Math.min(bytes.length, address + size)));
  return hasher.digest("hex");
}

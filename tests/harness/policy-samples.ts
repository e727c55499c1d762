// Files with a status of their own for tests of policy, made here so that none lies in the project,
// and the mails that carry them.
import { buildZip } from "../unpack/build-zip.ts";
import { base64Lines } from "./encode.ts";
import { eicarFile } from "./sample-mail.ts";

const TEXT = Buffer.from("nothing to see here, and nothing to worry about\n".repeat(20));
const ENCRYPTED_FLAG = 1;
const UNKNOWN_METHOD = 77;

/** Files by the name that stands for them in a mail: `{{eicar}}`. */
export function policySamples(): Readonly<Record<string, Buffer>> {
  const noise = Buffer.from(Array.from({ length: 200 }, (_, n) => (n * 167 + 13) & 255));
  const member = { name: "a.txt", bytes: TEXT };
  return {
    clean: TEXT,
    program: TEXT,
    eicar: eicarFile(),
    suspicious: Buffer.from("This is the gw-policy-test-suspicious-word, and no more.\n"),
    curable: Buffer.from("A text, and behind it gw-policy-test-curable-word\n"),
    protected: buildZip([{ ...member, flags: ENCRYPTED_FLAG, packed: noise }]),
    damaged: buildZip([{ ...member, crc: 0x12345678 }]),
    unscanned: buildZip([{ ...member, method: UNKNOWN_METHOD, packed: noise }]),
  };
}

/** A mail of tests/corpus with its files and values in place, and line ends as SMTP wants them. */
export function fillMail(template: string, values: Readonly<Record<string, string>>): string {
  const samples = policySamples();
  const filled = template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const sample = samples[name];
    return values[name] ?? (sample === undefined ? "" : base64Lines(sample));
  });
  return filled.replaceAll(/\r?\n/g, "\r\n");
}

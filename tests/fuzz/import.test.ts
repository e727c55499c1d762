// Configurations of other products with bytes changed at random: every import ends, and what it makes
// is TOML. Fixed seed.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { convertSmtpgw } from "../../src/config/import/smtpgw/convert.ts";
import { seededRandom } from "../harness/sample-mail.ts";

const ROUNDS = 60;
const CHANGES = 20;

test("an smtpgw.conf with changed bytes is converted or complained of", () => {
  const text = readFileSync("tests/cli/import/old/smtpgw-5.5.conf");
  const random = seededRandom(8);
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = Buffer.from(text);
    for (let n = 0; n < CHANGES; n++) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    const { draft, report, bad } = convertSmtpgw(bytes.toString("latin1"));
    expect(report.items.length + bad.length).toBeGreaterThan(0);
    expect(() => Bun.TOML.parse(draft.toml("# x\n"))).not.toThrow();
  }
});

// LMTP through the compiled binary: each recipient hears what its own group says of the message.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { LineClient } from "../harness/line-client.ts";
import { type PolicyGateway, startPolicyGateway } from "../harness/policy-gateway.ts";
import { freePort } from "../harness/process.ts";

const port = freePort();
const RULES = `
[[listener]]
listen = ["127.0.0.1:${port}"]
protocol = "lmtp"

[[group]]
name = "strict"
to = ["strict@example.org", "sterner@example.org"]

[[filter]]
name = "programs by name"
names = ["*.exe"]
groups = ["strict"]
action = "reject"
`;

let gateway: PolicyGateway;
beforeAll(async () => {
  gateway = await startPolicyGateway(RULES);
});
afterAll(() => gateway?.stop());

function mailOf(id: string): string {
  const lines = [
    `Message-ID: <${id}@example.com>`,
    ...["MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="b"', "", "--b", ""],
    ...["a text", "--b", 'Content-Disposition: attachment; filename="a.exe"', "", "x", "--b--"],
  ];
  return lines.join("\r\n");
}

/** Hands a mail over; the replies to it, as many as there are recipients. */
async function hand(id: string, to: readonly string[], isChunked: boolean): Promise<number[]> {
  const client = await LineClient.connect(port);
  try {
    await client.expect("220");
    await client.command("LHLO client.example", "250");
    await client.command("MAIL FROM:<a@example.net>", "250");
    for (const one of to) await client.command(`RCPT TO:<${one}@example.org>`, "250");
    const mail = `${mailOf(id)}\r\n`;
    if (!isChunked) await client.command("DATA", "354");
    const first = isChunked
      ? await client.command(`BDAT ${mail.length} LAST\r\n${mail.slice(0, -2)}`)
      : await client.command(`${mail}.`);
    const codes = [first.code];
    while (codes.length < to.length) codes.push((await client.reply()).code);
    await client.command("NOOP", "250");
    return codes;
  } finally {
    client.close();
  }
}

test.each([
  ["DATA", "some", ["plain", "strict", "other"], [250, 550, 250]],
  ["BDAT", "some", ["strict", "plain"], [550, 250]],
  ["DATA", "one of them twice", ["strict", "plain", "strict"], [550, 250, 550]],
  ["DATA", "all", ["strict", "sterner"], [550, 550]],
  ["BDAT", "none", ["plain", "other"], [250, 250]],
])("%s, refused for %s", async (verb, name, to, expected) => {
  const id = `${verb}-${name}`.toLowerCase().replaceAll(" ", "-");
  expect(await hand(id, to, verb === "BDAT")).toEqual(expected);
  for (const [index, one] of to.entries()) {
    const fate = expected[index] === 250 ? "delivered" : "refused";
    expect(await gateway.fateOf(id, `${one}@example.org`)).toBe(fate);
  }
  // Whoever was refused has the message still: nothing is kept of it.
  expect(await gateway.kept("quarantine", id)).toBe(0);
});

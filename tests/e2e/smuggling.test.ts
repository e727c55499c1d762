// The end of a message, through the compiled binary: whatever a client hides in one message, a next
// hop that falls for everything gets one message, or none. Needs `npm run build` before.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GatewayProcess } from "../harness/gateway-process.ts";
import { type GullibleHop, startGullibleHop } from "../harness/gullible-hop.ts";
import { LineClient } from "../harness/line-client.ts";
import { freePort, until } from "../harness/process.ts";

const WAIT_MS = 20_000;
const MODES = ["refuse", "normalise"] as const;
const WAYS = ["DATA", "BDAT"] as const;
// RFC 5321 §4.1.1.4 knows one end, CRLF.CRLF; these are those that servers have taken for it.
const SEQUENCES = [
  "\n.\n",
  "\n.\r\n",
  "\r\n.\n",
  "\r.\r",
  "\r.\r\n",
  "\r\n.\r",
  "\r.\n",
  "\n.\r",
  "\r\r\n.\r\r\n",
  "\n\n.\r\n",
  "\r\n\0.\r\n",
  "\r\n.\0\r\n",
  "\r\n.\r\r\n",
  "\n\r.\r\n",
  "\r\n. \r\n",
  "\r\n..\r\n",
];

let folder = "";
let hop: GullibleHop;
const gateways = new Map<string, { gateway: GatewayProcess; port: number }>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gw-smuggling-"));
  hop = startGullibleHop();
  for (const mode of MODES) {
    const port = freePort();
    const dataFolder = join(folder, mode);
    const settings = { "inbound.bare_line_ending": mode };
    const home = mkdtempSync(join(folder, "gw-"));
    const options = { dataFolder, port, nextHopPort: hop.port, settings };
    const gateway = new GatewayProcess(home, options);
    await gateway.start();
    gateways.set(mode, { gateway, port });
  }
}, 60_000);

afterAll(async () => {
  for (const { gateway } of gateways.values()) await gateway.stop();
  hop.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

/** Hides a second message behind the sequence; the code of the reply to the first. */
async function smuggle(
  port: number,
  { way, sequence, mark }: { way: (typeof WAYS)[number]; sequence: string; mark: string },
): Promise<number> {
  const second =
    `MAIL FROM:<evil@example.net>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\n` +
    `Subject: ${mark}\r\n\r\nsmuggled`;
  const content = Buffer.from(`Subject: ${mark}\r\n\r\nfirst${sequence}${second}\r\n`, "latin1");
  const client = await LineClient.connect(port);
  await client.expect("220");
  await client.command("EHLO client.example.net", "250");
  await client.command("MAIL FROM:<a@example.net>", "250");
  await client.command("RCPT TO:<b@example.org>", "250");
  if (way === "DATA") {
    await client.command("DATA", "354");
    client.send(Buffer.concat([content, Buffer.from(".\r\n")]));
  } else {
    client.send(Buffer.concat([Buffer.from(`BDAT ${content.length} LAST\r\n`), content]));
  }
  const { code } = await client.reply();
  client.close();
  return code;
}

test("a message is one message, or refused, whatever it holds", async () => {
  const cases = MODES.flatMap((mode) =>
    WAYS.flatMap((way) =>
      SEQUENCES.map((sequence, at) => ({ mode, way, sequence, mark: `${mode}-${way}-${at}` })),
    ),
  );
  const codes = new Map<string, number>();
  for (const each of cases) {
    const port = gateways.get(each.mode)?.port ?? 0;
    codes.set(each.mark, await smuggle(port, each));
  }
  const taken = cases.filter(({ mark }) => codes.get(mark) === 250);
  const countOf = (mark: string) =>
    hop.messages.filter((text) => new RegExp(`Subject: ${mark}(?!\\d)`).test(text)).length;
  expect(await until(() => hop.messages.length >= taken.length, WAIT_MS)).toBe(true);
  for (const mode of MODES) await gateways.get(mode)?.gateway.stop();
  for (const [at, sequence] of SEQUENCES.entries()) {
    const cells = MODES.flatMap((mode) =>
      WAYS.map((way) => {
        const mark = `${mode}-${way}-${at}`;
        return codes.get(mark) === 250 ? `${countOf(mark)} message` : `refused ${codes.get(mark)}`;
      }),
    );
    console.log(`${JSON.stringify(sequence).padEnd(20)} ${cells.join(" | ")}`);
  }
  // What is refused leaves nothing behind, what is taken is one.
  for (const { mark } of cases) expect(countOf(mark)).toBe(codes.get(mark) === 250 ? 1 : 0);
  expect(hop.messages).toHaveLength(taken.length);
  expect(taken.length).toBeGreaterThanOrEqual(2 * SEQUENCES.length);
}, 120_000);

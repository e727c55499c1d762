// The classic ways to make a mail server relay for strangers, through the compiled binary with the
// configuration that `gw quickstart` writes. Needs `npm run build` before.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gatewayBinary } from "../harness/gateway-process.ts";
import { LineClient } from "../harness/line-client.ts";
import { freePort, startProcess, stopProcess, waitForGreeting } from "../harness/process.ts";
import { proxyV2 } from "../harness/proxy-v2.ts";

// The stranger; all connections of a test come from this host, so a balancer speaks for it.
const STRANGER = "203.0.113.9";
const TARGET = "victim@elsewhere.example";
const ATTEMPTS: readonly (readonly [string, string])[] = [
  ["spam@elsewhere.example", `<${TARGET}>`],
  ["", `<${TARGET}>`],
  ["postmaster@example.org", `<${TARGET}>`],
  ["spam@[127.0.0.1]", `<${TARGET}>`],
  ["spam@localhost", `<${TARGET}>`],
  ["spam@gw.localhost", `<${TARGET}>`],
  ["spam@example.org", "<victim%elsewhere.example@example.org>"],
  ["spam@example.org", "<victim%elsewhere.example@[127.0.0.1]>"],
  ["spam@example.org", "<victim%elsewhere.example@gw.localhost>"],
  ["spam@example.org", "<victim%elsewhere.example>"],
  ["spam@example.org", `<"${TARGET}">`],
  ["spam@example.org", `<"${TARGET}"@example.org>`],
  ["spam@example.org", `<"victim%elsewhere.example"@example.org>`],
  ["spam@example.org", `<${TARGET}@example.org>`],
  ["spam@example.org", `<@example.org:${TARGET}>`],
  ["spam@example.org", `<@gw.localhost,@example.org:${TARGET}>`],
  ["spam@example.org", "<elsewhere.example!victim>"],
  ["spam@example.org", "<elsewhere.example!victim@example.org>"],
  ["spam@example.org", "<example.org!elsewhere.example!victim@gw.localhost>"],
  ["spam@example.org", `<${TARGET}.>`],
  ["spam@example.org", `<victim@[203.0.113.77]>`],
  ["spam@example.org", "<victim@[IPv6:2001:db8::1]>"],
  ["spam@example.org", "<victim@example.org.elsewhere.example>"],
  ["spam@example.org", "<victim@elsewhere.example\\@example.org>"],
  ["spam@example.org", `<b@example.org\r\nRCPT TO:<${TARGET}>`],
  ["spam@example.org", `<victim@notexample.org>`],
  ["spam@example.org", `<victim@ELSEWHERE.EXAMPLE>`],
  ["spam@example.org", "<victim@xn--example-.org>"],
];

let folder = "";
let running: ReturnType<typeof startProcess> | undefined;
let port = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gw-open-relay-"));
  const [own, sink] = [freePort(), freePort()];
  port = freePort();
  const binary = gatewayBinary();
  const data = join(folder, "data");
  const logFile = join(folder, "log");
  const quickstart = () =>
    startProcess({
      name: "gw quickstart",
      command: [
        ...[binary, "quickstart", "--data", data],
        ...["--listen", `127.0.0.1:${own}`, "--sink", `127.0.0.1:${sink}`],
      ],
      logFile,
    });
  const first = quickstart();
  await waitForGreeting(own, first);
  await stopProcess(first);
  const config = join(data, "gw.toml");
  // As it was written, with a door for a balancer, and with a domain that mail is taken for.
  const text = readFileSync(config, "utf8");
  writeFileSync(config, text.replace("[inbound]", '[inbound]\nrelay_domains = ["example.org"]'));
  appendFileSync(
    config,
    `\n[[listener]]\nlisten = ["127.0.0.1:${port}"]\nproxy_networks = ["127.0.0.1/32"]\n`,
  );
  running = startProcess({ name: "gw", command: [binary, "serve", "--config", config], logFile });
  await waitForGreeting(own, running);
}, 60_000);

afterAll(async () => {
  if (running !== undefined) await stopProcess(running);
  rmSync(folder, { recursive: true, force: true });
});

async function stranger(): Promise<LineClient> {
  const header = proxyV2({ address: STRANGER, port: 4711 });
  const client = await LineClient.connect(port, "127.0.0.1", header);
  await client.expect("220");
  await client.command("EHLO elsewhere.example", "250");
  return client;
}

test("there are 25 attempts or more", () => {
  console.log(`${ATTEMPTS.length} attempts`);
  expect(ATTEMPTS.length).toBeGreaterThanOrEqual(25);
});

test.each(ATTEMPTS)("MAIL FROM:<%s> RCPT TO:%s is refused", async (sender, recipient) => {
  const client = await stranger();
  await client.command(`MAIL FROM:<${sender}>`, "250");
  const { code } = await client.command(`RCPT TO:${recipient}`);
  expect(code).toBeGreaterThanOrEqual(500);
  // A line break inside makes a second command, which must fare no better.
  if (recipient.includes("\r\n")) await client.expect("5");
  await client.command("DATA", "503");
  client.close();
});

test("mail for the site's own domain is taken all the while", async () => {
  const client = await stranger();
  await client.command("MAIL FROM:<spam@elsewhere.example>", "250");
  await client.command("RCPT TO:<b@example.org>", "250");
  client.close();
});

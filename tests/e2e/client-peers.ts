// Other people's programs as clients of the compiled binary: swaks logs in over TLS, Postfix relays
// through it, haproxy speaks for a client, systemd hands sockets over. Prints what each of them did.
//
//   bun tests/e2e/client-peers.ts
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashPassword } from "../../src/inbound/login/users.ts";
import { makeCertificate } from "../harness/certificate.ts";
import { GatewayProcess, gatewayBinary } from "../harness/gateway-process.ts";
import { LineClient } from "../harness/line-client.ts";
import { postfixCommand, startPostfix } from "../harness/postfix.ts";
import { freePort, runCommand, startProcess, stopProcess, until } from "../harness/process.ts";
import { type SinkMessage, startSink } from "../harness/sink.ts";

const WAIT_MS = 15_000;
const folder = mkdtempSync(join(tmpdir(), "gw-peers-"));
// Postfix's own users look into it.
chmodSync(folder, 0o755);
const messages: SinkMessage[] = [];
const sink = startSink({
  onMessage: (message) => {
    messages.push(message);
    return "250 2.0.0 OK";
  },
});
const ports = {
  mx: freePort(),
  submission: freePort(),
  implicit: freePort(),
  balanced: freePort(),
  lmtp: freePort(),
};
const tls = makeCertificate(folder, "gw.example.net");
const users = join(folder, "users");
writeFileSync(users, `ann:${await hashPassword("secret")}:ann@example.org\n`);
const gateway = new GatewayProcess(folder, {
  dataFolder: join(folder, "gw-data"),
  port: ports.mx,
  nextHopPort: sink.port,
  settings: {
    "inbound.tls_certificate": tls.certificate,
    "inbound.tls_key": tls.key,
    "inbound.relay_networks": ["127.0.0.2/32"],
    "inbound.relay_domains": ["example.org"],
    "login.users_file": users,
    "log.level": "info",
  },
});
const door = (port: number, more: string) =>
  `[[listener]]\nlisten = ["127.0.0.1:${port}"]\n${more}\n`;
appendFileSync(
  gateway.configFile,
  door(ports.submission, 'role = "submission"') +
    door(ports.implicit, 'role = "submission"\ntls = "implicit"') +
    door(ports.balanced, 'proxy_networks = ["127.0.0.1/32"]') +
    door(ports.lmtp, 'protocol = "lmtp"'),
);

let failures = 0;
function told(name: string, isRight: boolean, more = ""): void {
  if (!isRight) failures++;
  console.log(`${isRight ? "ok  " : "FAIL"} ${name}${more === "" ? "" : `: ${more}`}`);
}

async function arrives(mark: string): Promise<SinkMessage | undefined> {
  const find = () => messages.find(({ bytes }) => bytes.includes(mark));
  await until(() => find() !== undefined, WAIT_MS);
  return find();
}

/** Sends with swaks; its exit code, and whether the mail arrived if it was to. */
async function swaks(name: string, isTaken: boolean, ...words: readonly string[]): Promise<void> {
  const mark = `mark-${name.replaceAll(/\W/g, "-")}`;
  const { code, stdout } = await runCommand([
    ...["swaks", "--from", "ann@example.org"],
    ...["--header", `Subject: ${mark}`, "--timeout", "10", ...words],
  ]);
  const refusal = /^<\*\* (.*)$|^<~\* (.*)$/m.exec(stdout)?.[0] ?? "";
  const message = isTaken && code === 0 ? await arrives(mark) : undefined;
  const isRight = isTaken ? message !== undefined : code !== 0;
  told(`swaks ${name}`, isRight, isTaken ? "" : refusal.trim());
}

const away = ["--to", "b@elsewhere.example"];
const home = ["--to", "b@example.org"];
const login = (password: string) => ["--auth-user", "ann", "--auth-password", password];
const { submission, implicit, lmtp, mx } = ports;

// swaks brings no TLS where Perl has none; openssl does it for it.
const overTls = (port: number, ...more: readonly string[]) => [
  "--pipe",
  ["openssl s_client -quiet", ...more, `-connect 127.0.0.1:${port}`].join(" "),
];
const plain = (port: number) => ["--server", "127.0.0.1", "--port", String(port)];

async function swaksCases(): Promise<void> {
  const secret = login("secret");
  const user = overTls(implicit);
  await swaks("PLAIN over TLS", true, ...user, "--auth", "PLAIN", ...secret, ...away);
  await swaks("LOGIN over TLS", true, ...user, "--auth", "LOGIN", ...secret, ...away);
  await swaks("TLS 1.2", true, ...overTls(implicit, "-tls1_2"), "--auth", ...secret, ...away);
  await swaks("TLS 1.1", false, ...overTls(implicit, "-tls1_1"), "--auth", ...secret, ...away);
  await swaks("wrong password", false, ...user, "--auth", "PLAIN", ...login("wrong"), ...away);
  await swaks("no login", false, ...user, ...away);
  await swaks("AUTH in the clear", false, ...plain(submission), "--auth", ...secret, ...away);
  await swaks("LMTP", true, ...plain(lmtp), "--protocol", "LMTP", ...home);
  await swaks("mail for the site", true, ...plain(mx), ...home);
  await swaks("relaying at the mx", false, ...plain(mx), ...away);
}

async function postfixCase(): Promise<void> {
  if (postfixCommand() === "") return told("postfix: not installed", true);
  const place = join(folder, "postfix");
  mkdirSync(place);
  const extra = { smtp_tls_security_level: "encrypt", smtputf8_enable: "yes" };
  const postfix = await startPostfix({ folder: place, nextHopPort: mx, extra });
  try {
    const client = await LineClient.connect(postfix.ports[0] ?? 0);
    await client.expect("220");
    await client.command("EHLO client.example.net", "250");
    for (const mark of ["mark-postfix-1", "mark-postfix-2"]) {
      await client.command("MAIL FROM:<a@example.net> BODY=8BITMIME", "250");
      await client.command("RCPT TO:<b@example.org> NOTIFY=FAILURE", "250");
      await client.command("DATA", "354");
      await client.command(`Subject: ${mark}\r\n\r\n..dot\r\nümlaut\r\n.`, "250");
    }
    client.close();
    const first = await arrives("mark-postfix-1");
    const second = await arrives("mark-postfix-2");
    const trace = first?.bytes.toString().replaceAll(/\r\n\s+/g, " ") ?? "";
    const isTls = /by gw\.example\.net with ESMTPS \(TLSv1\.3/.test(trace);
    told("Postfix relays over TLS", first !== undefined && second !== undefined && isTls);
  } finally {
    await postfix.stop();
  }
}

async function haproxyCase(version: 1 | 2): Promise<void> {
  const name = `haproxy speaks for a client, version ${version}`;
  if (!existsSync("/usr/sbin/haproxy")) return told(`${name}: not installed`, true);
  const port = freePort();
  const config = join(folder, `haproxy-${version}.cfg`);
  const send = version === 1 ? "send-proxy" : "send-proxy-v2";
  writeFileSync(
    config,
    `defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n` +
      `listen smtp\n bind 127.0.0.1:${port}\n server gw 127.0.0.1:${ports.balanced} ${send}\n`,
  );
  const command = ["/usr/sbin/haproxy", "-db", "-f", config];
  const haproxy = startProcess({ name: "haproxy", command, logFile: join(folder, "haproxy.log") });
  try {
    let client: LineClient | undefined;
    for (let attempt = 0; client === undefined && attempt < 50; attempt++) {
      client = await LineClient.connect(port).catch(() => undefined);
      if (client === undefined) await Bun.sleep(50);
    }
    if (client === undefined) throw new Error("haproxy does not answer");
    await client.expect("220");
    await client.command("EHLO client.example.net", "250");
    await client.command("STARTTLS", "220");
    await client.startTls();
    await client.command("EHLO client.example.net", "250");
    await client.command("MAIL FROM:<a@example.net>", "250");
    await client.command("RCPT TO:<b@example.org>", "250");
    await client.command("DATA", "354");
    await client.command(`Subject: mark-haproxy-${version}\r\n\r\nx\r\n.`, "250");
    client.close();
    told(name, (await arrives(`mark-haproxy-${version}`)) !== undefined);
  } finally {
    await stopProcess(haproxy);
  }
}

async function systemdCase(): Promise<void> {
  const name = "systemd hands a socket over";
  const activate = "/usr/bin/systemd-socket-activate";
  if (!existsSync(activate)) return told(`${name}: not installed`, true);
  const port = freePort();
  const config = join(folder, "activated.toml");
  writeFileSync(
    config,
    `[server]\nhostname = "gw.example.net"\ndata_dir = "${folder}/activated"\n` +
      `[inbound]\nlisten = []\n[[listener]]\nlisten = ["systemd:smtp"]\n`,
  );
  const command = [
    ...[activate, "--listen", `127.0.0.1:${port}`, "--fdname", "smtp"],
    ...[gatewayBinary(), "serve", "--config", config],
  ];
  const process = startProcess({ name: "gw", command, logFile: join(folder, "activated.log") });
  try {
    await Bun.sleep(500);
    const client = await LineClient.connect(port);
    const { last } = await client.reply();
    client.close();
    told(name, last === "220 gw.example.net ESMTP", last);
  } finally {
    await stopProcess(process);
  }
}

try {
  await gateway.start();
  await swaksCases();
  await postfixCase();
  await haproxyCase(1);
  await haproxyCase(2);
  await systemdCase();
} finally {
  await gateway.stop();
  sink.stop();
  rmSync(folder, { recursive: true, force: true });
}
console.log(failures === 0 ? "all as it should be" : `${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;

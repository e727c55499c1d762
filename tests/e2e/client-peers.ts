// Other people's programs as clients of the compiled binary: swaks, curl and msmtp log in over TLS,
// Postfix relays through it, haproxy speaks for a client, systemd hands sockets over. Prints what
// each of them did, with gw's reply where it refused.
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
import { addressRecord, FakeDns, RCODE, reply } from "../harness/fake-dns.ts";
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
  relayed: freePort(),
};
// 192.0.2.7 is listed, .8 as well and on a list of good ones, of .9 nobody can tell.
const listed = (name: string) => ({ [name]: [addressRecord(name, "127.0.0.2")] });
const dns = await FakeDns.start({
  ...listed("7.2.0.192.bl.test"),
  ...listed("8.2.0.192.bl.test"),
  ...listed("8.2.0.192.white.test"),
});
dns.trick = ({ name, packet }) =>
  name.startsWith("9.2.0.192") ? [reply(packet, RCODE.servfail)] : undefined;
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
    "dns.servers": [`127.0.0.1:${dns.endpoint.port}`],
    "dns.timeout": "500ms",
    "access.dns_lists": ["bl.test=127.0.0.2", "white.test*-3"],
    "access.connect_rules": ["deny from in_dnsbl to *"],
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
    door(ports.lmtp, 'protocol = "lmtp"') +
    door(ports.relayed, 'xclient_networks = ["127.0.0.1/32"]'),
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

interface Expected {
  /** The reply that ends the attempt; left out: the mail is taken, and must arrive. */
  readonly refused?: string;
  /** Which way the mail must have come: a word of its Received field. */
  readonly by?: string;
}

/**
 * Runs a program that sends one mail whose subject is `mark`. What counts is gw's own reply, not
 * that the program failed somehow.
 */
async function sends(
  name: string,
  expected: Expected,
  command: (mark: string) => readonly string[],
): Promise<void> {
  const mark = `mark-${name.replaceAll(/\W+/g, "-")}`;
  const { code, stdout, stderr } = await runCommand(command(mark));
  const said = `${stdout}\n${stderr}`;
  if (expected.refused !== undefined) {
    const refusal = refusalIn(said);
    const isThere = messages.some(({ bytes }) => bytes.includes(mark));
    const isRight = code !== 0 && refusal.startsWith(expected.refused) && !isThere;
    told(name, isRight, refusal || `exit ${code}, no refusal: ${said.trim().slice(-200)}`);
    return;
  }
  const message = code === 0 ? await arrives(mark) : undefined;
  const trace = message?.bytes.toString().replaceAll(/\r\n\s+/g, " ") ?? "";
  const by = /with (\S+(?: \(TLSv[\d.]+)?)/.exec(trace)?.[1] ?? "did not arrive";
  const isRight = message !== undefined && by.startsWith(expected.by ?? "");
  told(name, isRight, message === undefined ? `exit ${code}: ${said.trim().slice(-300)}` : by);
}

// The last line in which a program shows a refusal: `<** 550 …` of swaks (`<~*` inside of TLS),
// `server message: 550 …` of msmtp, `< 550 …` of curl. TLS that does not come about is "TLS".
function refusalIn(said: string): string {
  const replies = said.matchAll(/^(?:<(?:\*\*|~\*) +|.*server message: |< )([45]\d\d[ -].*)$/gm);
  const last = [...replies].at(-1)?.[1]?.trim();
  if (last !== undefined) return last;
  // swaks says AUTH only where it is offered in a way that it was told to use.
  const [, unsaid] = /^\*\*\* (Host did not advertise.*|Auth not attempted.*)$/m.exec(said) ?? [];
  if (unsaid !== undefined) return unsaid;
  return /TLS startup failed|handshake fail|TLS.*(?:alert|unsupported)/i.test(said) ? "TLS" : "";
}

const swaks = (name: string, expected: Expected, ...words: readonly string[]) =>
  sends(`swaks ${name}`, expected, (mark) => [
    ...["swaks", "--from", "ann@example.org", "--server", "127.0.0.1"],
    ...["--header", `Subject: ${mark}`, "--timeout", "10", ...words],
  ]);

const NO_AUTH = "Host did not advertise authentication";
const away = ["--to", "b@elsewhere.example"];
const home = ["--to", "b@example.org"];
const { submission, implicit, lmtp, mx } = ports;
const at = (port: number) => ["--port", String(port)];
const startTls = [...at(submission), "--tls"];
const fromStart = [...at(implicit), "--tlsc"];
const login = (method: string, password = "secret") => [
  ...["--auth", method, "--auth-user", "ann", "--auth-password", password],
];

async function swaksCases(): Promise<void> {
  for (const method of ["PLAIN", "LOGIN"]) {
    const by = "ESMTPSA (TLSv1.3";
    await swaks(`STARTTLS, ${method}`, { by }, ...startTls, ...login(method), ...away);
    await swaks(`TLS at once, ${method}`, { by }, ...fromStart, ...login(method), ...away);
    const wrong = login(method, "wrong");
    await swaks(
      `${method}, wrong password`,
      { refused: "535 5.7.8" },
      ...startTls,
      ...wrong,
      ...away,
    );
    const clear = [...at(submission), ...login(method)];
    await swaks(`${method} without TLS`, { refused: NO_AUTH }, ...clear, ...away);
  }
  const old = (version: string) => [...fromStart, "--tls-protocol", version];
  const plain = login("PLAIN");
  await swaks("TLS 1.2", { by: "ESMTPSA (TLSv1.2" }, ...old("tlsv1_2"), ...plain, ...away);
  await swaks("TLS 1.1", { refused: "TLS" }, ...old("tlsv1_1"), ...plain, ...away);
  const verified = ["--tls-verify", "--tls-ca-path", tls.certificate];
  await swaks("verified certificate", {}, ...startTls, ...verified, ...plain, ...away);
  await swaks("unknown user", { refused: "535 5.7.8" }, ...startTls, ...stranger, ...away);
  await swaks("no login", { refused: "530 5.7.0" }, ...startTls, ...away);
  await swaks(
    "CRAM-MD5 is not offered",
    { refused: "Auth not attempted" },
    ...startTls,
    ...login("CRAM-MD5"),
    ...away,
  );
  await swaks("LMTP", { by: "LMTP" }, ...at(lmtp), "--protocol", "LMTP", ...home);
  await swaks("mail for the site", { by: "ESMTP" }, ...at(mx), ...home);
  await swaks("STARTTLS at the mx", { by: "ESMTPS (TLSv1.3" }, ...at(mx), "--tls", ...home);
  await swaks("pipelined", { by: "ESMTP" }, ...at(mx), "--pipeline", ...home);
  await swaks("two recipients", {}, ...at(mx), "--to", "b@example.org,c@example.org");
  await swaks("HELO", { by: "SMTP" }, ...at(mx), "--protocol", "SMTP", ...home);
  await swaks("relaying at the mx", { refused: "550 5.7.1" }, ...at(mx), ...away);
  await swaks("a login at the mx", { refused: NO_AUTH }, ...at(mx), "--tls", ...plain, ...away);
}

const stranger = ["--auth", "PLAIN", "--auth-user", "bob", "--auth-password", "secret"];

async function listCases(): Promise<void> {
  const from = (last: number) => [
    ...[
      ...at(ports.relayed),
      "--xclient-addr",
      `192.0.2.${last}`,
      "--xclient-name",
      "[UNAVAILABLE]",
    ],
    ...home,
  ];
  await swaks("from an address in a DNS list", { refused: "550 5.7.1" }, ...from(7));
  await swaks("in a list and in a list of good ones", {}, ...from(8));
  await swaks("in no list", {}, ...from(10));
  await swaks("while the lists do not answer", {}, ...from(9));
}

async function otherCases(): Promise<void> {
  const mail = (mark: string) => {
    const file = join(folder, `${mark}.eml`);
    writeFileSync(file, `From: ann@example.org\nSubject: ${mark}\n\nümlaut\n`);
    return file;
  };
  const url = `smtp://127.0.0.1:${submission}`;
  const curl = (user: string) => (mark: string) => [
    ...["curl", "-sSv", "--max-time", "15", "--insecure", "--crlf", "--ssl-reqd", "--url", url],
    ...["--mail-from", "ann@example.org", "--mail-rcpt", "b@elsewhere.example"],
    ...["--user", user, "--upload-file", mail(mark)],
  ];
  await sends("curl --ssl-reqd", { by: "ESMTPSA (TLSv1.3" }, curl("ann:secret"));
  await sends("curl, wrong password", { refused: "535 5.7.8" }, curl("ann:wrong"));
  if (!existsSync("/usr/bin/msmtp")) return told("msmtp: not installed", true);
  const msmtp = (password: string) => (mark: string) => {
    const words = ["--host=127.0.0.1", `--port=${submission}`, "--tls=on", "--auth=plain"];
    const check = ["--tls-certcheck=off", "--user=ann", `--passwordeval=echo ${password}`];
    const command = ["msmtp", ...words, ...check, "--from=ann@example.org", "b@elsewhere.example"];
    const quoted = command.map((word) => `'${word}'`).join(" ");
    return ["sh", "-c", `exec ${quoted} < ${mail(mark)}`];
  };
  await sends("msmtp over STARTTLS", { by: "ESMTPSA (TLSv1.3" }, msmtp("secret"));
  await sends("msmtp, wrong password", { refused: "535 5.7.8" }, msmtp("wrong"));
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
  await listCases();
  await otherCases();
  await postfixCase();
  await haproxyCase(1);
  await haproxyCase(2);
  await systemdCase();
} finally {
  await gateway.stop();
  sink.stop();
  await dns.stop();
  rmSync(folder, { recursive: true, force: true });
}
console.log(failures === 0 ? "all as it should be" : `${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;

// Every kind of next hop against every kind of message: `bun tests/e2e/next-hops.ts`. The first table
// is the compiled gateway in front of a real Postfix that offers this and lacks that; the second one
// the sending side against DNS of all sorts. Needs Postfix, and root to start it.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificate } from "../harness/certificate.ts";
import { Findings, runScript } from "../harness/findings.ts";
import { postfixCommand, startPostfix } from "../harness/postfix.ts";
import { until } from "../harness/process.ts";
import { type SendingGateway, startSendingGateway } from "../harness/sending-gateway.ts";
import { type SinkMessage, startSink } from "../harness/sink.ts";
import { dnsCases } from "./next-hops-dns.ts";

const WAIT_MS = 20_000;
const lacking = (words: string) => ({ smtpd_discard_ehlo_keywords: words });

/** Postfix by what it lacks. */
const HOPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  everything: {},
  "no 8BITMIME": lacking("8bitmime,smtputf8"),
  "no SMTPUTF8": lacking("smtputf8"),
  "no DSN": lacking("dsn"),
  "no STARTTLS": { smtpd_tls_security_level: "none" },
  "no PIPELINING": lacking("pipelining"),
  nothing: {
    ...lacking("8bitmime,smtputf8,dsn,pipelining,size"),
    smtpd_tls_security_level: "none",
  },
};

interface Kind {
  readonly mail?: string;
  readonly rcpt?: string;
  readonly local?: string;
  readonly lines: readonly string[];
  /** What must have come of it at a next hop that lacks this. */
  readonly expected: (lacks: (word: string) => boolean) => string;
}

const MIME = "MIME-Version: 1.0";
const DOTS = [".", "..", ". .", "x".repeat(900), ""];

/** Messages by kind. */
const KINDS: Readonly<Record<string, Kind>> = {
  ascii: { lines: ["", "plain text"], expected: () => "same" },
  "dots, long lines": { lines: ["", ...DOTS], expected: () => "same" },
  "8-bit": {
    mail: "BODY=8BITMIME",
    lines: [MIME, "Content-Type: text/plain; charset=utf-8", "", "é, in a text of some length"],
    expected: (lacks) => (lacks("8BITMIME") ? "7-bit" : "same"),
  },
  "8-bit, signed": {
    mail: "BODY=8BITMIME",
    lines: [MIME, "Content-Type: multipart/signed; boundary=b", "", "--b", "", "é", "--b--"],
    expected: () => "same",
  },
  "utf8 header": {
    mail: "BODY=8BITMIME SMTPUTF8",
    lines: ["X-Word: é", "", "text"],
    expected: (lacks) => (lacks("SMTPUTF8") ? "DSN failed 5.6.7" : "same"),
  },
  "utf8 address": {
    mail: "BODY=8BITMIME SMTPUTF8",
    local: "jörg",
    lines: ["", "text"],
    expected: (lacks) => (lacks("SMTPUTF8") ? "DSN failed 5.6.7" : "same"),
  },
  "NOTIFY=SUCCESS": {
    rcpt: "NOTIFY=SUCCESS",
    lines: ["", "text"],
    expected: (lacks) => (lacks("DSN") ? "same, DSN relayed 2.0.0" : "same"),
  },
  "1 MB": {
    lines: ["", ...Array.from({ length: 16_000 }, (_, n) => `${n} ${"word ".repeat(12)}`)],
    expected: () => "same",
  },
};

const domainOf = (hop: string) => `${hop.toLowerCase().replaceAll(" ", "-")}.example`;

/** Whether a hop lacks an extension, by its settings. */
function lacks(hop: string, word: string): boolean {
  return (HOPS[hop]?.["smtpd_discard_ehlo_keywords"] ?? "").includes(word.toLowerCase());
}

/** What gw logged and what came, in a few words. */
class Matrix {
  readonly #findings = new Findings();
  readonly #arrived: readonly SinkMessage[];
  readonly #gateway: SendingGateway;

  constructor(gateway: SendingGateway, arrived: readonly SinkMessage[]) {
    this.#gateway = gateway;
    this.#arrived = arrived;
  }

  async run(): Promise<Findings> {
    const wrong: string[] = [];
    for (const hop of Object.keys(HOPS)) {
      for (const [name, kind] of Object.entries(KINDS)) {
        const expected = kind.expected((word) => lacks(hop, word));
        const came = await this.#send(hop, name, kind);
        this.#findings.row(`${hop.padEnd(14)} ${name}`, came);
        if (came !== expected) wrong.push(`${hop}, ${name}: ${came} instead of ${expected}`);
      }
    }
    this.#findings.mustBeNone("cells that are not as they should be", wrong);
    return this.#findings;
  }

  async #send(hop: string, name: string, kind: Kind): Promise<string> {
    const id = `${domainOf(hop)}/${name.replaceAll(/\W+/g, "-")}`;
    // With all fields that Postfix would add otherwise.
    const head = ["From: a@from.example", "Date: Mon, 23 Nov 2026 02:00:00 +0000"];
    const sent = [...head, `Message-ID: <${id}@test>`, `Subject: ${name}`, ...kind.lines];
    const before = this.#reports();
    await this.#gateway.send({
      ...(kind.mail !== undefined && { mail: kind.mail }),
      to: [`${kind.local ?? "x"}@${domainOf(hop)} ${kind.rcpt ?? ""}`.trim()],
      lines: sent.map((line) => (line.startsWith(".") ? `.${line}` : line)),
    });
    const find = () =>
      this.#arrived.find(({ bytes }) => bytes.includes(`Message-ID: <${id}@test>`));
    const isReported = () => this.#reports() > before;
    const wantsReport = kind.expected((word) => lacks(hop, word)).includes("DSN");
    await until(() => (wantsReport ? isReported() : find() !== undefined), WAIT_MS);
    if (wantsReport && !isReported()) return "no report";
    const arrived = find();
    const came = arrived === undefined ? [] : [this.#compare(arrived, sent)];
    return [...came, ...(isReported() ? [this.#report()] : [])].join(", ") || "nothing";
  }

  #compare({ bytes }: SinkMessage, sent: readonly string[]): string {
    const text = bytes.toString("utf8");
    if (text.endsWith(`${sent.join("\r\n")}\r\n`)) return "same";
    const isAscii = /^[\0-\x7f]*$/.test(text);
    return isAscii && text.includes("quoted-printable") ? "7-bit" : "changed";
  }

  #reports(): number {
    return this.#gateway.hop("from.example").messages.length;
  }

  #report(): string {
    const text = this.#gateway.hop("from.example").messages.at(-1)?.message.toString() ?? "";
    const field = (name: string) => new RegExp(`^${name}: (\\S+)`, "m").exec(text)?.[1] ?? "?";
    return `DSN ${field("Action")} ${field("Status")}`;
  }
}

async function postfixMatrix(folder: string, postfixFolder: string): Promise<number> {
  const arrived: SinkMessage[] = [];
  const sink = startSink({
    onMessage: (message) => {
      arrived.push(message);
      return "250 2.0.0 OK";
    },
  });
  const tls = makeCertificate(folder, "localhost");
  const postfix = await startPostfix({
    folder: postfixFolder,
    nextHopPort: sink.port,
    doors: Object.values(HOPS),
    extra: {
      smtputf8_enable: "yes",
      smtpd_tls_security_level: "may",
      smtpd_tls_loglevel: "1",
      smtpd_tls_cert_file: tls.certificate,
      smtpd_tls_key_file: tls.key,
      disable_mime_output_conversion: "yes",
    },
  });
  const routes = Object.keys(HOPS).map((hop, index) => {
    return `${domainOf(hop)} 127.0.0.1:${postfix.ports[index]}`;
  });
  const gateway = await startSendingGateway({
    hops: { "from.example": { extensions: ["8BITMIME", "SMTPUTF8"] } },
    settings: { "outbound.routes": routes },
  });
  try {
    const findings = await new Matrix(gateway, arrived).run();
    const log = readFileSync(postfix.logFile, "utf8");
    const encrypted = (log.match(/TLS connection established from/g) ?? []).length;
    findings.row("sessions that Postfix saw encrypted", encrypted);
    findings.must("encrypted where it is offered", encrypted > 0);
    return findings.print("next hop, message: what came");
  } finally {
    await gateway.stop();
    await postfix.stop();
    sink.stop();
  }
}

await runScript(async () => {
  if (postfixCommand() === "") throw new Error("Postfix is missing: apt-get install postfix");
  const folder = mkdtempSync(join(tmpdir(), "gw-next-hops-"));
  // Not below the other one, which only root may look into.
  const postfixFolder = mkdtempSync(join(tmpdir(), "gw-postfix-"));
  try {
    const first = await postfixMatrix(folder, postfixFolder);
    return Math.max(first, await dnsCases());
  } finally {
    for (const one of [folder, postfixFolder]) rmSync(one, { recursive: true, force: true });
  }
});

// Runs SMTP transcripts. A transcript is read line by line:
//
//   # text           a comment
//   = key value      a setting of the listener (JSON, or text); `= tls on` makes a certificate;
//                    `= door {"role": …}` changes the door;
//                    `= user name password addresses…` makes a user who may log in;
//                    `= refuse 554 5.7.1 text` lets the intake refuse what it is given
//   C: text          sends the text and CRLF; several such lines in a row are sent at once
//   C+ text          sends the text without CRLF
//   S: text          reads one reply; its last line begins with the text, or matches /text/
//   S- text          the reply that is read next has an inner line that begins with the text
//   T:               negotiates TLS
//   X:               the server closes the connection
//   I: none          the intake has kept nothing; `I: count 2`: so many messages
//   A: text          sends the text in base64: a line of AUTH
//   I: key value     the last message's `sender`, `recipients`, `body`, `trace`, `helo`,
//                    `protocol`, `user` or `envelope` (JSON, of which it must hold every field)
//
// In C, S and I: \r \n \0 \t \\ \xHH stand for bytes, and {text*N} for the text N times.
import { expect } from "bun:test";
import type { Directory } from "../../src/inbound/login/users.ts";
import type { DoorPlan, InboundSettings } from "../../src/inbound/settings.ts";
import { SmtpError } from "../../src/reply.ts";
import { makeCertificate } from "./certificate.ts";
import { type Script, startInbound, type TestInbound } from "./inbound.ts";
import { LineClient } from "./line-client.ts";

const ESCAPES: Readonly<Record<string, string>> = { r: "\r", n: "\n", 0: "\0", t: "\t" };
const REPEATS_MAX = 1_000_000;

// One character for each byte: text is UTF-8, escapes are single bytes.
function bytesOf(text: string): string {
  const bytes = Buffer.from(text).toString("latin1");
  const repeated = bytes.replace(/\{([^{}*]+)\*(\d+)\}/g, (_, unit: string, count: string) =>
    unit.repeat(Math.min(Number(count), REPEATS_MAX)),
  );
  return repeated.replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex?: string, one = "") =>
    hex === undefined ? (ESCAPES[one] ?? one) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

interface Step {
  readonly kind: string;
  readonly text: string;
  readonly line: number;
}

function parse(transcript: string): { settings: Step[]; steps: Step[] } {
  const lines = transcript.split("\n").map((raw, at) => ({ raw, line: at + 1 }));
  const all = lines
    .filter(({ raw }) => raw.trim() !== "" && !raw.startsWith("#"))
    .map(({ raw, line }) => {
      const [, kind, text] = /^(C:|C\+|A:|S:|S-|T:|X:|I:|=) ?(.*)$/.exec(raw) ?? [];
      if (kind === undefined || text === undefined) throw new Error(`line ${line}: ${raw}`);
      return { kind, text, line };
    });
  return {
    settings: all.filter(({ kind }) => kind === "="),
    steps: all.filter(({ kind }) => kind !== "="),
  };
}

function settingOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Plain words need no quotes.
    return text;
  }
}

function split(text: string): [string, string] {
  const [key = "", ...rest] = text.split(" ");
  return [key, rest.join(" ")];
}

function refusing(reply: string): Script {
  const [, code, enhanced = "", text = ""] = /^(\d+) ([\d.]+) (.*)$/.exec(reply) ?? [];
  return {
    onFinish: () => {
      throw new SmtpError({ code: Number(code), enhanced, text });
    },
  };
}

function directoryOf(users: readonly (readonly string[])[]): Directory {
  return {
    check: async (name, password) => {
      const [, known, ...addresses] = users.find(([each]) => each === name) ?? [];
      return known === password ? { name, addresses } : undefined;
    },
  };
}

async function start(steps: readonly Step[], folder: string): Promise<TestInbound> {
  const settings: Record<string, unknown> = {};
  let tls: ReturnType<typeof makeCertificate> | undefined;
  const users: string[][] = [];
  let script: Script = {};
  let door: Partial<DoorPlan> = {};
  for (const { text } of steps) {
    const [key, value] = split(text);
    if (key === "tls") tls = makeCertificate(folder);
    else if (key === "door") door = JSON.parse(value);
    else if (key === "user") users.push(value.split(" "));
    else if (key === "refuse") script = refusing(value);
    else settings[key] = settingOf(value);
  }
  return await startInbound({
    settings: settings as Partial<InboundSettings>,
    script,
    door,
    directories: [directoryOf(users)],
    ...(tls !== undefined && { tls }),
  });
}

function checkIntake(inbound: TestInbound, text: string): void {
  const [key, value] = split(Buffer.from(bytesOf(text), "latin1").toString());
  const message = inbound.intake.messages.at(-1);
  if (key === "none" || key === "count") {
    expect(inbound.intake.messages.length).toBe(key === "none" ? 0 : Number(value));
    return;
  }
  if (message === undefined) throw new Error("no message was taken");
  const { envelope, client } = message;
  const addresses = envelope.recipients.map(({ address }) => address).join(",");
  if (key === "sender") expect(envelope.sender).toBe(value);
  else if (key === "recipients") expect(addresses).toBe(value);
  else if (key === "body") expect(message.body.toString()).toBe(value);
  else if (key === "trace") expect(message.trace).toContain(value);
  else if (key === "helo") expect(client.helo).toBe(value);
  else if (key === "user") expect(client.user).toBe(value);
  else if (key === "protocol") expect(client.protocol).toBe(value);
  else if (key === "envelope") expect(envelope).toMatchObject(JSON.parse(value));
  else throw new Error(`unknown check ${key}`);
}

// One session: what is to be sent is gathered until an answer is wanted.
class Dialog {
  readonly #inbound: TestInbound;
  #client: LineClient | undefined;
  #unsent = "";
  #inner: string[] = [];

  constructor(inbound: TestInbound) {
    this.#inbound = inbound;
  }

  async run(step: Step): Promise<void> {
    const { kind, text } = step;
    if (kind === "C:") this.#unsent += `${bytesOf(text)}\r\n`;
    else if (kind === "C+") this.#unsent += bytesOf(text);
    else if (kind === "A:") {
      const [, verb = "", secret = ""] = /^((?:AUTH \w+ )?)(.*)$/.exec(text) ?? [];
      this.#unsent += `${verb}${Buffer.from(bytesOf(secret), "latin1").toString("base64")}\r\n`;
    } else if (kind === "S-") this.#inner.push(bytesOf(text));
    else {
      const client = await this.#flushed();
      if (kind === "S:") await this.#expect(client, text);
      else if (kind === "T:") await client.startTls();
      else if (kind === "X:") await client.closed();
      else checkIntake(this.#inbound, text);
    }
  }

  close(): void {
    this.#client?.close();
  }

  async #flushed(): Promise<LineClient> {
    const bytes = Buffer.from(this.#unsent, "latin1");
    this.#unsent = "";
    // What stands before the first answer is sent at once, before the greeting.
    if (this.#client === undefined) {
      this.#client = await LineClient.connect(this.#inbound.port, "127.0.0.1", bytes);
    } else if (bytes.length > 0) this.#client.send(bytes);
    return this.#client;
  }

  async #expect(client: LineClient, text: string): Promise<void> {
    const { last, lines } = await client.reply();
    const [, pattern] = /^\/(.*)\/$/.exec(text) ?? [];
    if (pattern !== undefined) expect(last).toMatch(new RegExp(pattern));
    else expect(last.slice(0, text.length)).toBe(text);
    for (const inner of this.#inner.splice(0)) {
      expect(lines.slice(0, -1).some((line) => line.startsWith(inner))).toBe(true);
    }
  }
}

/** Replies that a transcript waits for: each is one exchange. */
export function countExchanges(transcript: string): number {
  return parse(transcript).steps.filter(({ kind }) => kind === "S:").length;
}

/** Runs a transcript against a listener of its own; `folder` is for its certificate. */
export async function runDialog(transcript: string, folder: string): Promise<void> {
  const { settings, steps } = parse(transcript);
  const inbound = await start(settings, folder);
  const dialog = new Dialog(inbound);
  try {
    for (const step of steps) {
      try {
        await dialog.run(step);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`line ${step.line}: ${step.kind} ${step.text}\n${message}`);
      }
    }
  } finally {
    dialog.close();
    await inbound.listener.stop(0);
  }
}

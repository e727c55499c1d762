// `gw send-test`: proves that a gateway works. A clean mail must arrive, the EICAR test file must
// not; where each ended is looked up, not guessed.
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Endpoint, parseEndpoint } from "../../base/endpoint.ts";
import { describeError } from "../../base/log.ts";
import { Store } from "../../store/store.ts";
import { eicar } from "../../text/eicar.ts";
import { headerDate } from "../../text/header-date.ts";
import { printable } from "../../text/printable.ts";
import { Vault, type VaultItem } from "../../vault/vault.ts";
import { CliError, command, EXIT } from "../command.ts";
import { openSandbox, SANDBOX_DEFAULT, type Sandbox } from "../sandbox.ts";
import { type SmtpReply, sendMail } from "../smtp-client.ts";
import type { Terminal } from "../view/terminal.ts";

const REPLY_TIMEOUT_MS = 60_000;
const WAIT_MAX_MS = 20_000;
const POLL_MS = 100;
/** Bytes of a delivered file in which its Message-ID is looked for. */
const HEADER_SIZE = 16_384;
const SENDER = "sender@example.com";
const RECIPIENT = "recipient@example.org";

function header(subject: string, messageId: string): string[] {
  return [
    `From: Test <${SENDER}>`,
    `To: <${RECIPIENT}>`,
    `Subject: ${subject}`,
    `Date: ${headerDate(Date.now())}`,
    `Message-ID: <${messageId}>`,
    "MIME-Version: 1.0",
  ];
}

function cleanMail(messageId: string): string {
  const head = [...header("gw test: clean", messageId), "Content-Type: text/plain"];
  return [...head, "", "This mail is clean and should arrive.", ""].join("\r\n");
}

function infectedMail(messageId: string): string {
  return [
    ...header("gw test: EICAR", messageId),
    'Content-Type: multipart/mixed; boundary="part"',
    "",
    "--part",
    "Content-Type: text/plain",
    "",
    "The EICAR test file is attached. This mail should not arrive.",
    "--part",
    'Content-Type: application/octet-stream; name="eicar.com"',
    "Content-Transfer-Encoding: base64",
    'Content-Disposition: attachment; filename="eicar.com"',
    "",
    Buffer.from(eicar()).toString("base64"),
    "--part--",
    "",
  ].join("\r\n");
}

/** The delivered file with a Message-ID, if it is there. */
function findDelivered(sandbox: Sandbox, messageId: string): string | undefined {
  const names = readdirSync(sandbox.delivered).filter((name) => name.endsWith(".eml"));
  // Names sort by time; the newest is the likeliest.
  return names
    .sort()
    .reverse()
    .map((name) => join(sandbox.delivered, name))
    .find((path) => readFileSync(path).subarray(0, HEADER_SIZE).includes(`<${messageId}>`));
}

function findQuarantined(sandbox: Sandbox, messageId: string): VaultItem | undefined {
  const store = Store.attach(sandbox.config["server.data_dir"]);
  try {
    const items = new Vault(store).list({ recipient: RECIPIENT, places: ["quarantine"] });
    return items.find((item) => item.messageId.includes(messageId));
  } finally {
    void store.close();
  }
}

async function waitFor<T>(look: () => T | undefined): Promise<T | undefined> {
  const until = performance.now() + WAIT_MAX_MS;
  for (;;) {
    const found = look();
    if (found !== undefined || performance.now() > until) return found;
    await sleep(POLL_MS);
  }
}

async function send(endpoint: Endpoint, data: string): Promise<SmtpReply> {
  const mail = { sender: SENDER, recipient: RECIPIENT, data };
  try {
    return await sendMail(endpoint, mail, REPLY_TIMEOUT_MS);
  } catch (error) {
    const { address, port } = endpoint;
    throw new CliError(
      `no gateway answers at ${address}:${port} (${describeError(error)}): is \`gw quickstart\` running?`,
    );
  }
}

function replyText({ code, text }: SmtpReply): string {
  return `${code} ${printable(text)}`;
}

/** One line of the result. */
function say(terminal: Terminal, isGood: boolean, what: string, where: string): boolean {
  const mark = isGood ? terminal.paint("good", "ok  ") : terminal.paint("bad", "FAIL");
  terminal.out(`${mark} ${what.padEnd(11)} ${where}\n`);
  return isGood;
}

async function testClean(terminal: Terminal, sandbox: Sandbox, endpoint: Endpoint) {
  const messageId = `clean-${randomBytes(8).toString("hex")}@gw.test`;
  const reply = await send(endpoint, cleanMail(messageId));
  if (reply.code !== 250) return say(terminal, false, "clean mail", `refused: ${replyText(reply)}`);
  const file = await waitFor(() => findDelivered(sandbox, messageId));
  const where = file === undefined ? "accepted, but it did not arrive" : `delivered: ${file}`;
  return say(terminal, file !== undefined, "clean mail", where);
}

async function testInfected(terminal: Terminal, sandbox: Sandbox, endpoint: Endpoint) {
  const messageId = `eicar-${randomBytes(8).toString("hex")}@gw.test`;
  const reply = await send(endpoint, infectedMail(messageId));
  // With `policy.infected = "reject"` the refusal is what is wanted.
  if (reply.code >= 500) return say(terminal, true, "EICAR mail", `refused: ${replyText(reply)}`);
  if (reply.code !== 250) return say(terminal, false, "EICAR mail", replyText(reply));
  const ended = await waitFor(
    () => findQuarantined(sandbox, messageId) ?? findDelivered(sandbox, messageId),
  );
  if (ended === undefined) return say(terminal, false, "EICAR mail", "accepted, then not found");
  if (typeof ended === "string") return say(terminal, false, "EICAR mail", `delivered: ${ended}`);
  const found = ended.findings.length > 0 ? ended.findings.join(", ") : ended.status;
  return say(terminal, true, "EICAR mail", `in quarantine: ${ended.id} (${printable(found)})`);
}

/** `gw send-test` */
export const sendTest = command(
  {
    data: {
      type: "string",
      valueHint: "DIR",
      description: `folder of the quickstart (${SANDBOX_DEFAULT})`,
    },
    to: { type: "string", valueHint: "ADDRESS", description: "address and port of the gateway" },
  },
  async (args, terminal) => {
    const sandbox = openSandbox(args.data ?? SANDBOX_DEFAULT);
    const target = args.to ?? sandbox.config["inbound.listen"][0] ?? "";
    const endpoint = parseEndpoint(target);
    if (endpoint === undefined) {
      throw new CliError(
        `--to needs an address such as 127.0.0.1:2525, not "${printable(target)}"`,
      );
    }
    const isClean = await testClean(terminal, sandbox, endpoint);
    const isCaught = await testInfected(terminal, sandbox, endpoint);
    return isClean && isCaught ? EXIT.good : EXIT.found;
  },
);

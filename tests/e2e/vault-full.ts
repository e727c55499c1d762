// Fills the disk with mail that goes to quarantine: `bun tests/e2e/vault-full.ts`. Run by hand as
// root, since it mounts a file system of its own. What was answered with 250 is in quarantine and
// can be read; all else was asked to come back; what is deleted makes room.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Findings, runScript, tally } from "../harness/findings.ts";
import { GatewayProcess, gatewayBinary } from "../harness/gateway-process.ts";
import { openSession, toWire } from "../harness/generator.ts";
import { canMount, mounted } from "../harness/mounted.ts";
import { freePort, until } from "../harness/process.ts";
import { composeMail, eicarFile, noise, seededRandom } from "../harness/sample-mail.ts";

const DISK_SIZE = 32 * 1024 * 1024;
const MESSAGES_MAX = 2000;
const REFUSALS_WANTED = 40;
const READ_BACK = 10;
const WAIT_MS = 30_000;

interface Answer {
  readonly messageId: string;
  readonly reply: string;
}

const isAccepted = ({ reply }: Answer) => reply.startsWith("250");

async function send(port: number, count: number, refusalsMax: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  const attachment = noise(seededRandom(1), 60_000);
  while (answers.length < count) {
    const opening = await openSession({ port });
    if (opening.kind === "failed") throw new Error("the gateway takes no connections");
    while (answers.length < count && !opening.session.isGone) {
      const messageId = `full-${crypto.randomUUID()}@sender.example.net`;
      const attachments = [
        { name: "data.bin", data: attachment },
        { name: "bad.com", data: eicarFile() },
      ];
      const bytes = composeMail({ messageId, text: messageId, attachments });
      const outcome = await opening.session.send({
        sender: "alice@sender.example.net",
        recipients: ["bob@example.org"],
        wire: toWire(bytes),
      });
      const reply = outcome.kind === "replied" ? `${outcome.code}` : outcome.kind;
      answers.push({ messageId, reply });
      if (answers.filter((one) => !isAccepted(one)).length >= refusalsMax) {
        await opening.session.quit();
        return answers;
      }
    }
    await opening.session.quit();
  }
  return answers;
}

async function run(folder: string, freeSpaceMin: string): Promise<number> {
  const findings = new Findings();
  const disk = await mounted(
    join(folder, "disk"),
    ...["-t", "tmpfs", "-o", `size=${DISK_SIZE}`, "tmpfs"],
  );
  const port = freePort();
  const gateway = new GatewayProcess(folder, {
    dataFolder: join(disk.folder, "data"),
    port,
    nextHopPort: freePort(),
    settings: { "store.free_space_min": freeSpaceMin },
  });
  try {
    await gateway.start();
    const answers = await send(port, MESSAGES_MAX, REFUSALS_WANTED);
    const accepted = answers.filter(isAccepted);
    findings.row("kept before the disk was full", accepted.length);
    findings.row("refusals", tally(answers.filter((one) => !isAccepted(one)).map((a) => a.reply)));
    const odd = answers.filter(({ reply }) => !/^(250|45[12])$/.test(reply));
    findings.mustBeNone(
      "other replies than 250, 451 and 452",
      odd.map(({ reply }) => reply),
    );
    findings.must("the gateway still runs", gateway.running !== undefined);

    const { stdout } = await gateway.command("quarantine", "list", "--json");
    const items = stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
    const kept = new Set(items.map(({ messageId }) => messageId.replace(/[<>]/g, "")));
    const lost = accepted.filter(({ messageId }) => !kept.has(messageId));
    findings.mustBeNone(
      "accepted and not kept",
      lost.map(({ messageId }) => messageId),
    );
    for (const { id, messageId } of items.slice(0, READ_BACK)) {
      const raw = await gateway.command("quarantine", "show", id, "--raw");
      findings.must(`${id} can be read`, raw.stdout.includes(messageId));
    }

    const deleted = await gateway.command("quarantine", "delete", "--before", "0s");
    findings.row("then", deleted.stdout.trim() || deleted.stderr.trim());
    let isTaken = false;
    const deadline = Date.now() + WAIT_MS;
    while (!isTaken && Date.now() < deadline) isTaken = (await send(port, 1, 1)).every(isAccepted);
    findings.must("takes mail again when some was deleted", isTaken);
    return findings.print(`disk full of quarantine, store.free_space_min ${freeSpaceMin}`);
  } finally {
    await gateway.stop();
    await until(() => gateway.running === undefined, WAIT_MS);
    await disk.unmount();
  }
}

async function main(): Promise<number> {
  gatewayBinary();
  const folder = mkdtempSync(join(tmpdir(), "gw-vault-full-"));
  if (!(await canMount(folder))) return 0;
  const codes = [await run(folder, "4MB"), await run(folder, "0B")];
  const isGood = codes.every((code) => code === 0);
  if (isGood) rmSync(folder, { recursive: true });
  else process.stdout.write(`logs are kept in ${folder}\n`);
  return isGood ? 0 : 1;
}

await runScript(main);

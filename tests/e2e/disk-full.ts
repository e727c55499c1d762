// Fills the disk under the compiled binary, and makes another one read-only under it:
// `bun tests/e2e/disk-full.ts`. Run by hand as root, since it mounts file systems of its own.
// Whatever the disk does, a client gets a reply, and what was answered with 250 is delivered.
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Findings, runScript, tally } from "../harness/findings.ts";
import { GatewayProcess, gatewayBinary, type SettingValue } from "../harness/gateway-process.ts";
import { openSession, type SendOutcome, toWire } from "../harness/generator.ts";
import { Ledger } from "../harness/ledger.ts";
import { canMount, type Disk, mounted, must } from "../harness/mounted.ts";
import { freePort, runCommand, until } from "../harness/process.ts";
import { composeMail, noise, seededRandom } from "../harness/sample-mail.ts";
import { type Sink, startSink } from "../harness/sink.ts";

const DISK_SIZE = 32 * 1024 * 1024;
const FILLER_SIZE = 12 * 1024 * 1024;
const ATTACHMENT_SIZE = 60_000;
const SESSIONS = 4;
/** More than the disk can hold: sending ends by refusals or not at all. */
const MESSAGES_MAX = 2000;
const REFUSALS_WANTED = 40;
const RECOVERY_TIMEOUT_MS = 30_000;
const DRAIN_TIMEOUT_MS = 60_000;
const PAUSE_MS = 100;
const LATER = "451 4.3.2 Try again later";
const SETTINGS: Readonly<Record<string, SettingValue>> = {
  "queue.retry_min": "1s",
  "queue.retry_max": "2s",
};

/** A gateway on a disk, a next hop that can be closed, and the book of what passed. */
class Site {
  readonly name: string;
  readonly ledger = new Ledger();
  readonly gateway: GatewayProcess;
  readonly #port = freePort();
  readonly #sink: Sink;
  readonly #attachment = noise(seededRandom(1), ATTACHMENT_SIZE);
  #count = 0;
  isNextHopOpen = true;

  constructor(name: string, folder: string, disk: Disk, freeSpaceMin: string) {
    this.name = name;
    this.#sink = startSink({
      onRecipient: () => (this.isNextHopOpen ? "250 2.1.5 OK" : LATER),
      onMessage: (message) => {
        this.ledger.deliver(message, 0);
        return "250 2.0.0 OK";
      },
    });
    this.gateway = new GatewayProcess(folder, {
      dataFolder: join(disk.folder, "data"),
      port: this.#port,
      nextHopPort: this.#sink.port,
      settings: { ...SETTINGS, "store.free_space_min": freeSpaceMin },
    });
  }

  /** Sends until `count` messages have been tried or `refusalsMax` refused; all outcomes. */
  async send(count: number, refusalsMax: number): Promise<SendOutcome[]> {
    const outcomes: SendOutcome[] = [];
    let left = count;
    let refusals = 0;
    const one = async () => {
      while (left > 0 && refusals < refusalsMax) {
        const opening = await openSession({ port: this.#port });
        if (opening.kind === "failed") {
          left--;
          refusals++;
          outcomes.push(opening.outcome);
          continue;
        }
        while (left > 0 && refusals < refusalsMax && !opening.session.isGone) {
          left--;
          const messageId = `${this.name.replace(/\W+/g, "-")}-${++this.#count}@sender.example.net`;
          const recipients = [`bob${this.#count}@example.org`];
          const bytes = composeMail({
            messageId,
            text: messageId,
            attachments: [{ name: "data.bin", data: this.#attachment }],
          });
          const entry = this.ledger.open({ messageId, recipients, isInfected: false }, bytes);
          const outcome = await opening.session.send({
            sender: "alice@sender.example.net",
            recipients,
            wire: toWire(bytes),
          });
          this.ledger.settle(entry, outcome);
          outcomes.push(outcome);
          if (entry.fate !== "accepted") refusals++;
        }
        await opening.session.quit();
      }
    };
    await Promise.all(Array.from({ length: SESSIONS }, one));
    return outcomes;
  }

  /** Tries one message after the other until one is accepted; ms, or undefined if none was. */
  async recover(): Promise<number | undefined> {
    const startedAt = performance.now();
    while (performance.now() < startedAt + RECOVERY_TIMEOUT_MS) {
      const [outcome] = await this.send(1, 1);
      if (outcome?.kind === "replied" && outcome.code === 250) return performance.now() - startedAt;
      await Bun.sleep(PAUSE_MS);
    }
    return undefined;
  }

  async drain(): Promise<void> {
    await until(() => this.ledger.missingCount === 0, DRAIN_TIMEOUT_MS);
  }

  /** What must hold at the end, whatever happened to the disk. */
  conclude(findings: Findings): void {
    const doubles = this.ledger.doubles().map((one) => one.messageId);
    findings.row("messages answered with 250", this.ledger.fates().accepted);
    findings.mustBeNone("answered with 250 and lost", this.ledger.lost());
    findings.mustBeNone("doubled", doubles);
    findings.mustBeNone("arrived damaged", this.ledger.damaged());
    findings.mustBeNone("arrived though refused", this.ledger.unwanted());
  }

  async close(): Promise<void> {
    await this.gateway.stop();
    this.#sink.stop();
  }
}

const textOf = (outcome: SendOutcome) =>
  outcome.kind === "lost" ? `connection lost at ${outcome.stage}` : outcome.text;
const isAccepted = (outcome: SendOutcome) => outcome.kind === "replied" && outcome.code === 250;
const isTemporary = (outcome: SendOutcome) =>
  outcome.kind === "replied" && outcome.code >= 400 && outcome.code < 500;

function judgeRefusals(findings: Findings, outcomes: readonly SendOutcome[]): void {
  const refused = outcomes.filter((one) => !isAccepted(one));
  findings.row("refusals", tally(refused.map(textOf)));
  const others = refused.filter((one) => !isTemporary(one));
  findings.mustBeNone("refused other than by a 4xx reply", others.map(textOf));
}

function fill(disk: Disk): string {
  const filler = join(disk.folder, "filler");
  writeFileSync(filler, Buffer.alloc(FILLER_SIZE, 1));
  return filler;
}

async function runFull(folder: string, freeSpaceMin: string): Promise<number> {
  const name = `disk full, store.free_space_min ${freeSpaceMin}`;
  const options = ["-t", "tmpfs", "-o", `size=${DISK_SIZE}`, "tmpfs"];
  const disk = await mounted(join(folder, "disk"), ...options);
  const findings = new Findings();
  const filler = fill(disk);
  const site = new Site(name, folder, disk, freeSpaceMin);
  try {
    await site.gateway.start();
    site.isNextHopOpen = false;
    const first = await site.send(MESSAGES_MAX, REFUSALS_WANTED);
    findings.row("accepted before the disk was full", first.filter(isAccepted).length);
    judgeRefusals(findings, first);
    findings.must("the gateway still runs", site.gateway.running !== undefined);

    rmSync(filler);
    const recoveredAfter = await site.recover();
    findings.must("accepts again when there is space", recoveredAfter !== undefined);
    findings.row("after", `${recoveredAfter?.toFixed(0) ?? "never"} ms`);

    // Full again, and now the next hop opens: what is on the disk must get out all the same.
    const second = await site.send(MESSAGES_MAX, REFUSALS_WANTED);
    findings.row("accepted before it was full again", second.filter(isAccepted).length);
    judgeRefusals(findings, second);
    site.isNextHopOpen = true;
    await site.drain();
    findings.must("the queue drains on a full disk", site.ledger.missingCount === 0);
    findings.must("accepts after the queue has drained", (await site.recover()) !== undefined);
    await site.drain();
    site.conclude(findings);
    return findings.print(name);
  } finally {
    await site.close();
    await disk.unmount();
  }
}

/** Makes ext4 believe that the disk has failed, upon which it turns read-only under open files. */
async function failDisk(image: string): Promise<boolean> {
  const { stdout } = await runCommand(["losetup", "-n", "-O", "NAME", "-j", image]);
  const trigger = `/sys/fs/ext4/${basename(stdout.trim())}/trigger_fs_error`;
  if (stdout.trim() === "" || !existsSync(trigger)) return false;
  writeFileSync(trigger, "disk-full.ts\n");
  return true;
}

async function runReadOnly(folder: string): Promise<number> {
  const name = "disk turns read-only";
  const image = join(folder, "image");
  const file = openSync(image, "w");
  ftruncateSync(file, DISK_SIZE);
  closeSync(file);
  await must("mkfs.ext4", "-q", image);
  const place = join(folder, "disk");
  let disk = await mounted(place, "-o", "loop,errors=remount-ro", image);
  const findings = new Findings();
  const site = new Site(name, folder, disk, "0B");
  try {
    await site.gateway.start();
    await site.send(20, 1);
    site.isNextHopOpen = false;
    await site.send(100, 1);
    if (!(await failDisk(image))) {
      process.stdout.write(`${name}: skipped, the kernel offers no way to fail a disk\n`);
      return 0;
    }
    const outcomes = await site.send(MESSAGES_MAX, REFUSALS_WANTED);
    findings.mustBeNone("accepted on a failed disk", outcomes.filter(isAccepted).map(textOf));
    judgeRefusals(findings, outcomes);
    findings.must("the gateway still runs", site.gateway.running !== undefined);
    await site.gateway.stop();
    await disk.unmount();
    const { code, stdout } = await runCommand(["e2fsck", "-fp", image]);
    // 1 is "errors were corrected".
    if (code > 1) throw new Error(`e2fsck: ${stdout}`);
    disk = await mounted(place, "-o", "loop", image);
    await site.gateway.start();
    findings.must("accepts after the repair", (await site.recover()) !== undefined);
    site.isNextHopOpen = true;
    await site.drain();
    site.conclude(findings);
    return findings.print(name);
  } finally {
    await site.close();
    await disk.unmount();
  }
}

async function main(): Promise<number> {
  gatewayBinary();
  const folder = mkdtempSync(join(tmpdir(), "gw-disk-"));
  if (!(await canMount(folder))) return 0;
  const codes = [
    await runFull(folder, "4MB"),
    await runFull(folder, "0B"),
    await runReadOnly(folder),
  ];
  const isGood = codes.every((code) => code === 0);
  if (isGood) rmSync(folder, { recursive: true });
  else process.stdout.write(`logs are kept in ${folder}\n`);
  return isGood ? 0 : 1;
}

await runScript(main);

// Kills updates of the compiled binary at random moments, and asks after each which signatures are in
// use: `bun tests/e2e/update-crash.ts [kills] [seed] [files|gw]`. Run by hand; 200 kills take about
// four minutes. The feed is a folder of files, or a signed one (gw) with its documents to keep as well.
// It must be the old set or the new one, never a part of either; every tenth time a gateway is started
// on what is there.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { TestFeed } from "../harness/feed.ts";
import { Findings, runScript, tally } from "../harness/findings.ts";
import { GatewayProcess, gatewayBinary } from "../harness/gateway-process.ts";
import { freePort, startProcess } from "../harness/process.ts";
import { seededRandom } from "../harness/sample-mail.ts";

const ROUNDS_DEFAULT = 200;
const FILES = 4;
const SIGNATURES_PER_FILE = 250;
const GATEWAY_EVERY = 10;
/** Kills come from the start to a little behind the end of an update that is left alone. */
const BEYOND = 1.1;
const UPDATED = 1;

/** All names say which version they are of. */
function sourceOf(version: number, file: number): string {
  const one = (n: number) =>
    `signature T.V${version}.F${file}.N${n}\ntext $a "needle ${version} ${file} ${n} of a test"\nend\n`;
  return Array.from({ length: SIGNATURES_PER_FILE }, (_, n) => one(n)).join("");
}

interface CrashOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly kind: "files" | "gw";
}

class UpdateCrashRun {
  readonly #random;
  readonly #rounds: number;
  readonly #folder: string;
  readonly #binary = gatewayBinary();
  readonly #gateway: GatewayProcess;
  readonly #signed: TestFeed | undefined;
  readonly #torn: string[] = [];
  readonly #unfinished: string[] = [];
  #inUse = 0;

  constructor(folder: string, { rounds, seed, kind }: CrashOptions) {
    this.#random = seededRandom(seed);
    this.#rounds = rounds;
    this.#folder = folder;
    mkdirSync(join(folder, "feed"));
    this.#gateway = new GatewayProcess(folder, {
      dataFolder: join(folder, "data"),
      port: freePort(),
      nextHopPort: freePort(),
      settings: { "update.automatic": false },
    });
    this.#signed = kind === "gw" ? new TestFeed(join(folder, "feed"), systemClock) : undefined;
    const place =
      this.#signed === undefined
        ? `type = "files"\nfolder = "${join(folder, "feed")}"\n`
        : `type = "gw"\nurls = ["${this.#signed.url}"]\nroot = "${this.#signed.root}"\n`;
    writeFileSync(this.#config, `[[feed]]\nname = "own"\n${place}`, { flag: "a" });
  }

  get #config(): string {
    return this.#gateway.configFile;
  }

  async #publish(version: number): Promise<void> {
    for (let file = 0; file < FILES; file++) {
      const name = `f${file}.gws`;
      const source = sourceOf(version, file);
      if (this.#signed === undefined) writeFileSync(join(this.#folder, "feed", name), source);
      else this.#signed.add(name, source);
    }
    await this.#signed?.publish();
  }

  /** Runs an update; kills it after `killMs`, or lets it end. Gives how long it took. */
  async #update(killMs?: number): Promise<{ took: number; code: number }> {
    const began = performance.now();
    const running = startProcess({
      name: "gw update",
      command: [this.#binary, "update", "--config", this.#config],
      logFile: join(this.#folder, "update.log"),
    });
    const kill = () => running.signal("SIGKILL");
    const timer = killMs === undefined ? undefined : setTimeout(kill, killMs);
    const code = await running.exited;
    clearTimeout(timer);
    return { took: performance.now() - began, code };
  }

  /** Looks at what is in use: whole, and of which version. */
  async #look(round: number): Promise<void> {
    const list = ["signatures", "list", "T.V", "--json"];
    const { code, stdout, stderr } = await this.#gateway.command(...list);
    const versions = new Map<number, number>();
    for (const line of stdout.split("\n")) {
      const version = /"T\.V(\d+)\.F/.exec(line)?.[1];
      if (version !== undefined) {
        versions.set(Number(version), (versions.get(Number(version)) ?? 0) + 1);
      }
    }
    const [[version, count] = [0, 0]] = versions;
    const isWhole = versions.size === 1 && count === FILES * SIGNATURES_PER_FILE;
    const isKnown = version === this.#inUse || version === round;
    if (code !== 0 || !isWhole || !isKnown) {
      const parts = [...versions].map(([each, some]) => `version ${each}: ${some}`).join(", ");
      this.#torn.push(`round ${round}: ${parts} ${stderr.slice(0, 200)}`);
    }
    this.#inUse = version;
  }

  async #updateWhole(version: number): Promise<number> {
    await this.#publish(version);
    const { took, code } = await this.#update();
    if (code !== UPDATED) this.#unfinished.push(`version ${version} ended with ${code}`);
    await this.#look(version);
    return took;
  }

  async run(): Promise<number> {
    const took = await this.#updateWhole(1);
    const ends: string[] = [];
    let longest = took;
    let kills = 0;
    let round = 2;
    for (; kills < this.#rounds; round++) {
      await this.#publish(round);
      const before = this.#inUse;
      const { code, took: lasted } = await this.#update(this.#random() * longest * BEYOND);
      await this.#look(round);
      const kind = this.#inUse === before ? "the old set stayed" : "the new set was there";
      const isKilled = code !== UPDATED;
      ends.push(isKilled ? `killed, ${kind}` : "ended by itself");
      // Updates take longer on a busy machine: kills are to come all along of one.
      if (isKilled) kills++;
      else longest = (longest + lasted) / 2;
      if (round % GATEWAY_EVERY === 0) {
        await this.#gateway.start();
        await this.#gateway.stop();
      }
    }
    // What was left behind is in nobody's way.
    await this.#updateWhole(round);
    const findings = new Findings();
    findings.row("an update that is left alone, ms", Math.round(took));
    findings.row("rounds", tally(ends));
    findings.row("gateways started", Math.floor((round - 1) / GATEWAY_EVERY));
    findings.mustBeNone("sets that were not whole", this.#torn);
    findings.mustBeNone("updates that did not end well, left alone", this.#unfinished);
    return findings.print("update-crash");
  }
}

await runScript(async () => {
  const [, , first = ROUNDS_DEFAULT, second = 1, kind = "files"] = process.argv;
  const [rounds, seed] = [Number(first), Number(second)];
  if (!(rounds >= 1) || (kind !== "files" && kind !== "gw")) {
    process.stderr.write("usage: bun tests/e2e/update-crash.ts [rounds] [seed] [files|gw]\n");
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), "gw-update-crash-"));
  try {
    return await new UpdateCrashRun(folder, { rounds, seed, kind }).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

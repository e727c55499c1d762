// Kills `gw feed publish` of the compiled binary at random moments, and asks after each what somebody
// who updates then gets: `bun tests/e2e/feed-crash.ts [rounds] [seed]`. Run by hand; 100 rounds take
// about two minutes. It must be the old release or the new one, verified, and the next publish must go on.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { TestClient, TestFeed } from "../harness/feed.ts";
import { Findings, runScript, tally } from "../harness/findings.ts";
import { gatewayBinary } from "../harness/gateway-process.ts";
import { startProcess } from "../harness/process.ts";
import { seededRandom } from "../harness/sample-mail.ts";

const ROUNDS_DEFAULT = 100;
const LINES = 20_000;
/** Kills come from the start to a little behind the end of a publish that is left alone. */
const BEYOND = 1.1;
const NAME = "list.hsb";

/** A list of hashes of which one line changes with each version. */
function listOf(version: number): string {
  const line = (n: number) => `${String(n).padStart(64, "0")}:${n + 1}:T.N${n}:73`;
  const lines = Array.from({ length: LINES }, (_, n) => line(n));
  lines[version % LINES] = `${"ab".repeat(32)}:${version}:T.V${version}:73`;
  return lines.join("\n");
}

async function run(folder: string, rounds: number, seed: number): Promise<number> {
  const random = seededRandom(seed);
  const feed = new TestFeed(folder, systemClock);
  const settings = { urls: [feed.url], root: feed.root, clock: systemClock };
  const client = new TestClient(join(folder, "client"), settings);
  const path = join(folder, "list");

  const publish = async (killMs?: number) => {
    const began = performance.now();
    const running = startProcess({
      name: "gw feed publish",
      command: [gatewayBinary(), "feed", "publish", feed.feed.folder],
      logFile: join(folder, "publish.log"),
    });
    const kill = () => running.signal("SIGKILL");
    const timer = killMs === undefined ? undefined : setTimeout(kill, killMs);
    const code = await running.exited;
    clearTimeout(timer);
    return { code, took: performance.now() - began };
  };
  const offer = (version: number) => {
    writeFileSync(path, listOf(version));
    feed.feed.addFile(path, NAME);
  };

  const failures: string[] = [];
  const ends: string[] = [];
  let held = 0;
  const look = async (version: number) => {
    try {
      await client.update();
    } catch (error) {
      failures.push(`version ${version}: ${(error as Error).message}`);
      return;
    }
    const text = await client.text(NAME);
    const found = [held, version].find((each) => text === listOf(each));
    if (found === undefined) failures.push(`version ${version}: neither the old nor the new list`);
    else held = found;
  };

  for (const version of [1, 2]) {
    offer(version);
    await publish();
    await look(version);
  }
  offer(3);
  const { took } = await publish();
  await look(3);
  for (let version = 4; version < rounds + 4; version++) {
    offer(version);
    const { code } = await publish(random() * took * BEYOND);
    await look(version);
    const what = held === version ? "the new release was there" : "the old release stayed";
    ends.push(code === 0 ? "ended by itself" : `killed, ${what}`);
  }
  offer(rounds + 4);
  const { code } = await publish();
  if (code !== 0) failures.push(`the last publish, left alone, ended with ${code}`);
  await look(rounds + 4);
  if (held !== rounds + 4) failures.push("the last release did not come out");
  const findings = new Findings();
  findings.row("a publish that is left alone, ms", Math.round(took));
  findings.row("rounds", tally(ends));
  findings.mustBeNone("what clients could not update from", failures);
  return findings.print("feed-crash");
}

await runScript(async () => {
  const [rounds = ROUNDS_DEFAULT, seed = 1] = process.argv.slice(2).map(Number);
  if (!(rounds >= 1)) {
    process.stderr.write("usage: bun tests/e2e/feed-crash.ts [rounds, 1 or more] [seed]\n");
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), "gw-feed-crash-"));
  try {
    return await run(folder, rounds, seed);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

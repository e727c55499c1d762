// A feed from its making to a virus that it finds, through the compiled binary: run on one host, used
// on another over HTTP, mirrored, and carried to a third. Needs `npm run build` before (`npm test`
// does it).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UpdateReport } from "../../src/pipeline/update/outcome.ts";
import { GatewayProcess, gatewayBinary } from "../harness/gateway-process.ts";
import { openSession, toWire } from "../harness/generator.ts";
import {
  freePort,
  type Running,
  runCommand,
  startProcess,
  stopProcess,
  until,
} from "../harness/process.ts";
import { type Sink, startSink } from "../harness/sink.ts";

const WAIT_MS = 15_000;
const folder = mkdtempSync(join(tmpdir(), "gw-feed-e2e-"));
const at = (...names: string[]) => join(folder, ...names);
const feed = at("feed");

/** A signature of ours for a text that nobody else has. */
const MARKS = [
  "gw-feed-mark-one-4711",
  "gw-feed-mark-two-4712",
  "gw-feed-mark-three-4713",
] as const;
const signature = (n: number) =>
  `signature Site.Mark.${n}
  severity infected
  description "A mark."
` +
  `  text $a "${MARKS[n]}"
  condition $a
end

`;

let server: Running;
let url = "";
let root = "";

async function gw(...words: readonly string[]) {
  const { code, stdout, stderr } = await runCommand([gatewayBinary(), ...words]);
  return { code, out: stdout, err: stderr };
}

/** A host: a data folder, and a configuration that knows the feed. */
function host(name: string, from: string, more = ""): string {
  mkdirSync(at(name), { recursive: true, mode: 0o700 });
  const place = from === "" ? "enabled = false" : `urls = ["${from}"]`;
  const path = at(`${name}.toml`);
  writeFileSync(
    path,
    `[server]\ndata_dir = "${at(name)}"\n` +
      `[[feed]]\nname = "site"\ntype = "gw"\nroot = "${root}"\n${place}\n${more}`,
  );
  return path;
}

/** Waits until a server has said that it is there. */
async function serving(log: string): Promise<void> {
  expect(await until(() => readFileSync(at(log), "utf8").includes("serving"), WAIT_MS)).toBe(true);
}

const report = (out: string) => JSON.parse(out) as UpdateReport;

async function publish(n: number): Promise<void> {
  writeFileSync(
    at("marks.gws"),
    MARKS.slice(0, n + 1)
      .map((_, each) => signature(each))
      .join(""),
  );
  expect(await gw("feed", "add", feed, at("marks.gws"))).toMatchObject({ code: 0 });
  const published = await gw("feed", "publish", feed);
  expect(published).toMatchObject({ code: 0 });
}

beforeAll(async () => {
  const made = await gw("feed", "init", feed, "--name", "site", "--json");
  expect(made.code).toBe(0);
  root = `sha256:${JSON.parse(made.out).root}`;
  await publish(0);
  const port = freePort();
  url = `http://127.0.0.1:${port}/`;
  server = startProcess({
    name: "feed",
    command: [gatewayBinary(), "feed", "serve", feed, "--listen", `127.0.0.1:${port}`],
    logFile: at("serve.log"),
  });
  await serving("serve.log");
}, 60_000);
afterAll(async () => {
  await stopProcess(server);
  rmSync(folder, { recursive: true, force: true });
});

describe("over HTTP", () => {
  test("gw update fetches the feed, and gw scan finds what is in it", async () => {
    const config = host("online", url);
    const first = await gw("update", "--config", config);
    expect(first).toMatchObject({ code: 1, err: "" });
    expect(first.out).toContain("site: updated 1, 1 signature");
    expect(await gw("update", "--config", config)).toMatchObject({ code: 0 });
    writeFileSync(at("letter.txt"), `Dear all,\n${MARKS[0]}\n`);
    const scanned = await gw("scan", at("letter.txt"), "--config", config);
    expect(scanned).toMatchObject({ code: 1 });
    expect(scanned.out).toContain("Site.Mark.0");
  }, 60_000);

  test("a key that was replaced is followed", async () => {
    const config = host("online", url);
    expect(await gw("feed", "keys", "rotate", feed, "timestamp")).toMatchObject({ code: 0 });
    await publish(1);
    expect(await gw("update", "--config", config)).toMatchObject({ code: 1 });
  }, 60_000);

  test("another root is refused with what is the matter, exit 10", async () => {
    const config = host("stranger", url);
    const text = readFileSync(config, "utf8");
    writeFileSync(config, text.replace(/sha256:\w+/, `sha256:${"0".repeat(64)}`));
    const refused = await gw("update", "--config", config);
    expect(refused.code).toBe(10);
    expect(refused.out + refused.err).toContain("not the one that is configured");
  }, 60_000);

  test("a disk that takes no more is told, and the next update goes on", async () => {
    const config = host("full", url);
    const words = [gatewayBinary(), "update", "--config", config].map((word) => `'${word}'`);
    // No file may become larger than 512 bytes: as a full disk, but without one.
    const limited = `trap '' XFSZ; ulimit -f 1; exec ${words.join(" ")}`;
    const { code, stdout, stderr } = await runCommand(["bash", "-c", limited]);
    expect({ code, said: stdout + stderr }).toMatchObject({ code: 10 });
    expect(stdout + stderr).toMatch(/site: full: |can't be written/);
    expect(await gw("update", "--config", config)).toMatchObject({ code: 1 });
  }, 60_000);
});

test("a feed whose keys are sealed is signed with the passphrase alone, here or elsewhere", async () => {
  const sealed = at("sealed");
  const phrase = ["--passphrase-file", at("phrase")];
  writeFileSync(at("phrase"), "a passphrase of four words\n");
  expect(await gw("feed", "init", sealed, ...phrase)).toMatchObject({ code: 0 });
  expect(await gw("feed", "add", sealed, at("marks.gws"))).toMatchObject({ code: 0 });
  const waiting = await gw("feed", "publish", sealed);
  expect(waiting.code).toBe(1);
  expect(waiting.out).toContain("waiting: the targets document needs 1 signature more");
  expect(waiting.err).toContain("4 key files could not be used: sealed");
  const draft = join(sealed, "draft/targets.json");
  const keys = ["--keys", join(sealed, "keys")];
  const signed = await gw("feed", "sign", draft, ...keys, ...phrase);
  expect(signed.out).toContain("marks.gws");
  expect(await gw("feed", "publish", sealed, ...phrase)).toMatchObject({ code: 0 });
  expect((await gw("feed", "inspect", sealed)).out).not.toContain("NOT ENOUGH");
}, 60_000);

test("a mirror serves a host that never sees the feed itself", async () => {
  const config = host("online", url);
  expect(await gw("update", "mirror", at("mirror"), "--config", config)).toMatchObject({ code: 0 });
  const port = freePort();
  const mirror = startProcess({
    name: "mirror",
    command: [gatewayBinary(), "feed", "serve", at("mirror"), "--listen", `127.0.0.1:${port}`],
    logFile: at("mirror.log"),
  });
  try {
    const from = `http://127.0.0.1:${port}/site/`;
    await serving("mirror.log");
    expect(await gw("update", "--config", host("behind", from))).toMatchObject({ code: 1 });
  } finally {
    await stopProcess(mirror);
  }
}, 60_000);

describe("without a network", () => {
  test("a bundle brings the same set, the second time nothing, an older one is refused", async () => {
    const online = host("online", url);
    const apart = host("apart", "");
    const old = at("old.gwb");
    const bundle = at("feeds.gwb");
    expect(await gw("bundle", "export", old, "--config", online)).toMatchObject({ code: 0 });
    await publish(2);
    const updated = await gw("update", "--config", online, "--json");
    expect(await gw("bundle", "export", bundle, "--config", online)).toMatchObject({ code: 0 });
    const shown = await gw("bundle", "inspect", bundle);
    expect(shown.out).toContain("marks.gws");

    const imported = await gw("bundle", "import", bundle, "--config", apart, "--json");
    expect(imported.code).toBe(1);
    expect(report(imported.out).set?.identity).toBe(report(updated.out).set?.identity ?? "-");
    const again = await gw("bundle", "import", bundle, "--config", apart);
    expect(again).toMatchObject({ code: 0 });
    expect(again.out).toContain("site: up to date");
    const older = await gw("bundle", "import", old, "--config", apart);
    expect(older.code).toBe(10);
    expect(older.out).toContain("less than current version");

    const bytes = readFileSync(bundle);
    writeFileSync(at("cut.gwb"), bytes.subarray(0, -20));
    const cut = await gw("bundle", "import", at("cut.gwb"), "--config", apart);
    expect(cut).toMatchObject({ code: 75 });
    expect(cut.err).toContain("20 bytes are missing");
    writeFileSync(at("letter.txt"), MARKS[2]);
    expect(await gw("scan", at("letter.txt"), "--config", apart)).toMatchObject({ code: 1 });
  }, 90_000);

  test("what has expired is taken by the administrator's word alone, and that is noted", async () => {
    const late = host("late", "");
    const bundle = at("feeds.gwb");
    const import_ = (...more: string[]) =>
      runCommand([
        ...["faketime", "-f", "+60d", gatewayBinary(), "bundle", "import", bundle],
        ...["--config", late, ...more],
      ]);
    const hasFaketime = Bun.which("faketime") !== null;
    expect((await import_("--accept-expired", "90d").catch(() => undefined))?.code ?? 2).toBe(2);
    if (!hasFaketime) return;
    const refused = await import_();
    expect(refused.code).toBe(10);
    expect(refused.stdout).toContain("is expired");
    const taken = await import_("--accept-expired", "90d", "--reason", "at sea");
    expect(taken.code).toBe(1);
    expect(readFileSync(at("late/feeds/accepted-expired.log"), "utf8")).toContain("at sea");
  }, 60_000);
});

describe("a gateway that runs", () => {
  let sink: Sink;
  let gateway: GatewayProcess;
  let port = 0;
  beforeAll(async () => {
    sink = startSink({});
    port = freePort();
    mkdirSync(at("mx"));
    const dataFolder = at("mx/data");
    const settings = { "log.level": "info" };
    gateway = new GatewayProcess(at("mx"), { dataFolder, port, nextHopPort: sink.port, settings });
    const table = `[[feed]]\nname = "site"\ntype = "gw"\nroot = "${root}"\nurls = ["${url}"]\n`;
    writeFileSync(gateway.configFile, `${readFileSync(gateway.configFile, "utf8")}\n${table}`);
    await gateway.start();
  }, 60_000);
  afterAll(async () => {
    await gateway.stop();
    sink.stop();
  });

  test("has the feed by itself, and keeps back a mail in which it finds something", async () => {
    // The threads that scan have turned to the set when its feed is said to be updated.
    const hasSet = () => readFileSync(gateway.logFile, "utf8").includes("feed-updated");
    expect(await until(hasSet, WAIT_MS)).toBe(true);
    const opening = await openSession({ port });
    if (opening.kind === "failed") throw new Error("no session");
    const wire = toWire(Buffer.from(`Subject: test\r\n\r\n${MARKS[0]}\r\n`));
    await opening.session.send({ sender: "a@example.net", recipients: ["b@example.org"], wire });
    await opening.session.quit();
    const { stdout } = await gateway.command("quarantine", "list");
    expect(stdout).toContain("Site.Mark.0");
  }, 60_000);
});

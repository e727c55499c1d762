// Updates and licences through the compiled binary, beside a gateway that runs.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GatewayProcess, gatewayPath } from "../harness/gateway-process.ts";
import { openSession, toWire } from "../harness/generator.ts";
import { freePort, until } from "../harness/process.ts";
import { composeMail } from "../harness/sample-mail.ts";
import { type SinkMessage, startSink } from "../harness/sink.ts";

setDefaultTimeout(120_000);
const isBuilt = existsSync(gatewayPath());
const WAIT_MS = 60_000;

describe.skipIf(!isBuilt)("gw update beside a gateway", () => {
  let folder = "";
  let gateway: GatewayProcess;
  let feed = "";
  const port = freePort();
  const arrived: SinkMessage[] = [];
  const sink = startSink({
    onMessage: (message) => {
      arrived.push(message);
      return "250 2.0.0 OK";
    },
  });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "gw-update-e2e-"));
    feed = join(folder, "feed");
    mkdirSync(feed);
    gateway = new GatewayProcess(folder, {
      ...{ dataFolder: join(folder, "data"), port, nextHopPort: sink.port },
      settings: {
        ...{ "update.automatic": false, "log.level": "info", "policy.infected": "quarantine" },
        ...{ "notice.admin": "admin@example.org", "policy.archive": "incoming" },
      },
    });
    const table = `[[feed]]\nname = "own"\ntype = "files"\nfolder = "${feed}"\n`;
    writeFileSync(gateway.configFile, table, { flag: "a" });
    await gateway.start();
  });
  afterAll(async () => {
    await gateway.stop();
    sink.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const rule = (name: string, needle: string) =>
    writeFileSync(join(feed, "own.gws"), `signature ${name}\ntext $a "${needle}"\nend\n`);
  const update = async (...words: string[]) => {
    const { code, stdout } = await gateway.command("update", ...words, "--json");
    return { code, answer: JSON.parse(stdout || "null") };
  };

  async function send(text: string): Promise<string> {
    const opened = await openSession({ port });
    if (opened.kind !== "open") throw new Error("the gateway took no session");
    const messageId = `${Math.random().toString(36).slice(2)}@example.net`;
    const wire = toWire(composeMail({ messageId, text }));
    const outgoing = { sender: "a@example.net", recipients: ["b@example.org"], wire };
    expect(await opened.session.send(outgoing)).toMatchObject({ kind: "replied", code: 250 });
    await opened.session.quit();
    return messageId;
  }

  const kept = async (store: string) => {
    const { stdout } = await gateway.command("vault", "list", "--store", store, "--json");
    return stdout.split("\n").filter((line) => line !== "");
  };
  const noticed = (word: string) =>
    until(() => arrived.some(({ bytes }) => bytes.toString().includes(word)), WAIT_MS);

  test("mail is scanned with new signatures at once, and what came before is looked at again", async () => {
    await send("words with a needle-of-e2e in them");
    expect(await kept("quarantine")).toEqual([]);
    rule("T.Needle", "needle-of-e2e");
    expect(await update()).toMatchObject({ code: 1, answer: { set: { number: 1 } } });
    expect(await update()).toMatchObject({ code: 0 });
    await send("again a needle-of-e2e");
    expect((await kept("quarantine")).length).toBe(1);
    // The copy in the archive was clean when it came.
    expect(await noticed("after the update: 1 new finds")).toBe(true);
  });

  test("what does not pass the trial changes nothing", async () => {
    rule("T.Wrong", "the ");
    const { code, answer } = await update();
    expect(code).toBe(10);
    expect(answer.outcomes[0]).toMatchObject({ kind: "rejected" });
    await send("the mail flows");
    expect((await kept("quarantine")).length).toBe(1);
  });

  test("going back is felt at once, and what is found no more is told", async () => {
    expect((await gateway.command("update", "rollback")).code).toBe(0);
    await send("once more a needle-of-e2e");
    expect((await kept("quarantine")).length).toBe(1);
    expect(await noticed("T.Needle is found no more")).toBe(true);
  });

  test("licences: each fault has its words and its exit code, and scanning goes on", async () => {
    const run = (...words: string[]) => gateway.command("license", ...words);
    const path = (name: string) => join(folder, name);
    const bare = (...words: string[]) =>
      Bun.spawnSync([gatewayPath(), "license", ...words], { stdout: "pipe" }).stdout.toString();
    const key = /"([0-9a-f]{64})"/.exec(bare("key", path("a.key")))?.[1] ?? "";
    bare("key", path("b.key"));
    const issue = (file: string, by: string, [from, until]: readonly string[], name = "own") =>
      bare(
        ...["issue", "--key", path(by), "--holder", "Example Ltd", "--feed", name],
        ...["--from", from ?? "", "--until", until ?? "", "--output", path(file)],
        ...["--id", file.split(".")[0] ?? ""],
      );
    const always = ["2020-01-01", "2099-12-31"];
    issue("good.lic", "a.key", always);
    issue("expired.lic", "a.key", ["2020-01-01", "2020-12-31"]);
    issue("early.lic", "a.key", ["2098-01-01", "2099-12-31"]);
    issue("alien.lic", "b.key", always);
    issue("other.lic", "a.key", always, "else");
    const good = readFileSync(path("good.lic"), "utf8");
    writeFileSync(path("tampered.lic"), good.replace("2099-12-31", "2199-12-31"));
    writeFileSync(path("broken.lic"), "nothing\n");
    writeFileSync(gateway.configFile, `licence_key = "${key}"\n`, { flag: "a" });
    const rows: string[] = [];
    for (const [file, code, words] of [
      ["expired.lic", 65, /licence expired expired: its last day was 2020-12-31/],
      ["early.lic", 66, /licence early is valid from 2098-01-01 on/],
      ["alien.lic", 63, /is signed with [0-9a-f]{16}…, which is the licence_key of no/],
      ["tampered.lic", 62, /was changed after it was signed/],
      ["other.lic", 64, /is for "else", not for "own"/],
      ["broken.lic", 61, /its first line is not "gw license 1"/],
    ] as const) {
      const end = await run("show", path(file));
      expect(end.stderr).toMatch(words);
      expect(end.code).toBe(code);
      rows.push(`${file.padEnd(13)} ${end.code}  ${end.stderr.trim()}`);
      // Without a licence nothing new is fetched, and mail is scanned with what there is.
      const updated = await update();
      expect(updated.code).toBe(60);
      expect(updated.answer.outcomes[0].kind).toBe("licence");
    }
    console.log(rows.join("\n"));
    const eicar = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR", "STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];
    const before = (await kept("quarantine")).length;
    const opened = await openSession({ port });
    if (opened.kind !== "open") throw new Error("the gateway took no session");
    const data = Buffer.from(eicar.join("-"));
    const attachments = [{ name: "eicar.com", data }];
    const wire = toWire(composeMail({ messageId: "eicar@example.net", text: "x", attachments }));
    await opened.session.send({ sender: "a@example.net", recipients: ["b@example.org"], wire });
    await opened.session.quit();
    expect((await kept("quarantine")).length).toBe(before + 1);
    expect((await run("install", path("good.lic"))).stdout).toMatch(/valid until 2099-12-31/);
    expect((await run("install", path("early.lic"))).stdout).toMatch(/in reserve until 2098/);
    expect((await run("list")).stdout).toMatch(/good +active[\s\S]*|early +reserve/);
    rule("T.Licensed", "needle-with-licence");
    expect((await update()).code).toBe(1);
  });

  test("a wrong configuration has the exit code that scripts know", async () => {
    const config = join(folder, "wrong.toml");
    writeFileSync(config, "[server]\nnothing = 1\n");
    const end = Bun.spawnSync([gatewayPath(), "update", "--config", config]);
    expect(end.exitCode).toBe(75);
    expect((await update("nosuchfeed")).code).toBe(75);
  });
});

test("the compiled binary is there, or its tests are left out", () => {
  expect(isBuilt).toBe(existsSync(gatewayPath()));
});

import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../../src/base/log.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { Config } from "../../../src/config/schema.ts";
import type { FeedSettings } from "../../../src/config/tables.ts";
import { openImage } from "../../../src/gwdb/image.ts";
import { openSignatures } from "../../../src/pipeline/scanning.ts";
import { exitOf } from "../../../src/pipeline/update/outcome.ts";
import { updateStatus } from "../../../src/pipeline/update/state/status.ts";
import { Updater } from "../../../src/pipeline/update/updater.ts";
import { listSignatures } from "../../../src/signature/list.ts";
import { lockShelf } from "../../../src/update/shelf/lock.ts";
import { type Fetched, type FetchJob, UpdateError } from "../../../src/update/source.ts";

// Each update makes a set ready in a thread of its own.
setDefaultTimeout(120_000);

let root = "";
const signal = new AbortController().signal;
const MINUTE = 60_000;
let now = Date.UTC(2026, 10, 23);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gw-updater-"));
  now = Date.UTC(2026, 10, 23);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

type Script = (job: FetchJob) => Fetched | Promise<Fetched>;

/** A fetch that brings these files. */
function brings(version: string, files: Readonly<Record<string, string>>): Script {
  return ({ staging }) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(staging, name), text);
    return { kind: "fetched", version, files: Object.keys(files), transferred: 10 };
  };
}

const rule = (name: string, needle: string) =>
  `rule ${name} { strings: $a = "${needle}" condition: $a }\n`;

/** A site whose feeds do what their scripts say. */
function site(scripts: Readonly<Record<string, Script>>, more: Partial<Config> = {}) {
  const names = Object.keys(scripts);
  const feed = names.map((name) => ({
    ...{ name, type: "files", enabled: true, urls: [], folder: root, root: "" },
    ...{ databases: [], certificates: "", interval: MINUTE, age_max: 60 * MINUTE },
    ...{ size_max: 1e6, proxy: "", proxy_login: "", licence_key: "" },
  })) as unknown as readonly FeedSettings[];
  const config = loadConfig(undefined, { "server.data_dir": join(root, "data"), feed, ...more });
  const taken: number[] = [];
  const updater = new Updater({
    ...{ config, log: silentLog, arenas: 1 },
    clock: { now: () => now, steady: () => now },
    sourceOf: ({ name }) => ({ name, fetch: async (job) => await (scripts[name] as Script)(job) }),
    onSet: async ({ number }) => {
      taken.push(number);
    },
  });
  const update = (feeds?: readonly string[], isForced = false) =>
    updater.update({ signal, isForced, ...(feeds && { feeds }) });
  const names_ = async () => {
    const { image } = await openSignatures(config);
    const all = [...listSignatures(openImage(image))].map((each) => each.name);
    return all.filter((name) => name.startsWith("YARA.") || /^T\./.test(name)).sort();
  };
  return { config, updater, update, taken, inUse: names_ };
}

const kinds = ({ outcomes }: Awaited<ReturnType<Updater["update"]>>) =>
  Object.fromEntries(outcomes.map(({ feed, kind }) => [feed, kind]));

async function reasonOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "nothing was thrown",
    (error: unknown) => (error as Error).message,
  );
}

const GWS = (name: string, needle = "needle-of-a-test") =>
  `signature ${name}\ntext $a "${needle}"\nend\n`;

describe("Updater.update()", () => {
  test("puts what was fetched into use, once", async () => {
    const { update, inUse, taken } = site({ a: brings("1", { "a.gws": GWS("T.A") }) });
    const first = await update();
    expect(first).toMatchObject({
      outcomes: [{ feed: "a", kind: "updated", before: "", version: "1", load: { loaded: 1 } }],
      set: { number: 1, cause: "update" },
    });
    expect(exitOf(first)).toBe(1);
    expect(await inUse()).toEqual(["T.A"]);
    const second = await update();
    expect(kinds(second)).toEqual({ a: "current" });
    expect(exitOf(second)).toBe(0);
    expect(taken).toEqual([1]);
  });

  test("keeps the set in use when a feed fails, and remembers why", async () => {
    const scripts: Record<string, Script> = { a: brings("1", { "a.gws": GWS("T.A") }) };
    const { update, inUse, config } = site(scripts);
    await update();
    for (const kind of ["unreachable", "refused", "invalid", "full"] as const) {
      scripts["a"] = () => {
        throw new UpdateError(kind, `because of ${kind}`);
      };
      now += 2 * MINUTE;
      const report = await update();
      expect(report.outcomes[0]).toMatchObject({ kind, reason: `because of ${kind}` });
      expect(exitOf(report)).toBe(10);
      expect(await inUse()).toEqual(["T.A"]);
      expect(updateStatus(config, now).feeds[0]?.result.reason).toBe(`because of ${kind}`);
    }
    expect(updateStatus(config, now).feeds[0]?.warning).toBe("");
    expect(updateStatus(config, now + 61 * MINUTE).feeds[0]?.warning).toMatch(
      /^feed a was last up to date .* ago: because of full$/,
    );
  });

  test("does not ask before the time that a server wished, whatever it is told", async () => {
    let asked = 0;
    const { update } = site({
      a: () => {
        asked++;
        throw new UpdateError("refused", "slow down", { retryAt: now + 5 * MINUTE });
      },
    });
    expect(kinds(await update())).toEqual({ a: "refused" });
    const paused = await update(["a"], true);
    expect(paused.outcomes[0]?.reason).toMatch(/^paused until 2026-11-23T00:05:00.000Z: slow down/);
    expect(asked).toBe(1);
    now += 5 * MINUTE;
    await update();
    expect(asked).toBe(2);
  });

  test("refuses a set that finds harmless files, and does not fetch it again", async () => {
    const scripts: Record<string, Script> = { a: brings("1", { "a.gws": GWS("T.A") }) };
    const { update, inUse, taken } = site(scripts);
    await update();
    let fetches = 0;
    const state: unknown[] = [];
    scripts["a"] = (job) => {
      fetches++;
      state.push(job.state.offered["mark"]);
      if (job.state.offered["mark"] === "2") return { kind: "unchanged", transferred: 0 };
      job.state.offered["mark"] = "2";
      return brings("2", { "a.gws": GWS("T.Bad", "the ") })(job) as Fetched;
    };
    const report = await update();
    expect(report.outcomes[0]).toMatchObject({
      ...{ kind: "rejected", version: "1" },
      reason: expect.stringMatching(/^2 did not pass the trial: T\.Bad found in the check file/),
    });
    expect(kinds(await update())).toEqual({ a: "rejected" });
    expect(state).toEqual([undefined, "2"]);
    expect(await inUse()).toEqual(["T.A"]);
    expect(taken).toEqual([1]);
    expect(fetches).toBe(2);
  });

  test("refuses a set that would hide the test file", async () => {
    const files = { "a.gws": GWS("T.A"), "b.ign2": "Gw.Test.EICAR\n" };
    const hash = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:68:T.Allowed\n";
    const { update } = site({ a: brings("1", { ...files, "c.sfp": hash }) });
    const { outcomes } = await update();
    expect(outcomes[0]?.reason).toMatch(/test file EICAR is not found in the check file eicar.com/);
  });

  test("refuses a set that finds a file of the site's folder of good ones", async () => {
    const good = join(root, "good");
    mkdirSync(good);
    writeFileSync(join(good, "form.txt"), "our own form with a needle-of-a-test in it");
    const more = { "update.good_dir": good };
    const { update, updater, config } = site({ a: brings("1", { "a.gws": GWS("T.A") }) }, more);
    const { outcomes } = await update();
    expect(outcomes[0]?.reason).toContain(`T.A found in ${good}/form.txt (update.good_dir)`);
    expect(updateStatus(config, now).set).toBe(0);
    rmSync(good, { recursive: true });
    const again = await updater.update({ signal, isForced: true });
    expect(again.outcomes[0]?.reason).toMatch(/update.good_dir can't be read/);
  });

  test("takes the good ones of several feeds when one is bad", async () => {
    const { update, inUse } = site({
      good: brings("1", { "a.gws": GWS("T.Good") }),
      bad: brings("1", { "a.gws": GWS("T.Bad", "the ") }),
      fine: brings("1", { "a.yar": rule("Fine", "another-needle") }),
    });
    const report = await update();
    expect(kinds(report)).toEqual({ good: "updated", bad: "rejected", fine: "updated" });
    expect((await inUse()).join(" ")).toMatch(/T\.Good/);
    expect((await inUse()).join(" ")).not.toMatch(/T\.Bad/);
  });

  test("refuses files in which there is no signature", async () => {
    const { update } = site({ a: brings("1", { "a.gws": "<html>404 not found</html>\n" }) });
    expect((await update()).outcomes[0]?.reason).toMatch(/none of its 1 files gave a signature/);
  });

  test("refuses links, ways out and hidden files", async () => {
    const scripts: Record<string, Script> = {};
    const cases: Readonly<Record<string, Script>> = {
      "is no plain file": (job) => {
        symlinkSync("/etc/passwd", join(job.staging, "a.gws"));
        return { kind: "fetched", version: "1", files: ["a.gws"], transferred: 0 };
      },
      "with the name": () => {
        return { kind: "fetched", version: "1", files: ["../../a.gws"], transferred: 0 };
      },
      '".a.gws"': brings("1", { ".a.gws": GWS("T.A") }),
      "is no plain": () => {
        return { kind: "fetched", version: "1", files: ["missing.gws"], transferred: 0 };
      },
    };
    for (const [reason, script] of Object.entries(cases)) {
      scripts["a"] = script;
      const report = await site(scripts).update();
      expect(report.outcomes[0]).toMatchObject({ kind: "invalid" });
      expect(report.outcomes[0]?.reason).toContain(reason);
    }
  });

  test("leaves nothing behind but what is kept", async () => {
    const scripts: Record<string, Script> = {};
    const more = { "update.keep": 1 };
    const { update, config } = site({ a: (job) => (scripts["a"] as Script)(job) }, more);
    for (let n = 1; n <= 4; n++) {
      scripts["a"] = brings(String(n), { "a.gws": GWS(`T.N${n}`) });
      await update();
    }
    scripts["a"] = ({ staging }) => {
      writeFileSync(join(staging, "half"), "x");
      throw new UpdateError("unreachable", "gone");
    };
    await update();
    const shelf = join(config["server.data_dir"], "feeds");
    // The set in use and update.keep before it, each with its list.
    expect(readdirSync(join(shelf, "sets")).length).toBe(2);
    expect(readdirSync(join(shelf, "a", "versions")).length).toBe(4);
    expect(readdirSync(join(shelf, "a")).sort()).toEqual(["record.json", "versions"]);
  });

  test("throws away what was fetched if it can't be put into use, and says why", async () => {
    const { update, inUse } = site({ a: brings("1", { "a.gws": GWS("T.A") }) });
    const feeds = join(root, "data", "feeds");
    // Where the new pointer is written first: as good as a full disk.
    const obstacle = join(feeds, `current.${process.pid}.new`);
    mkdirSync(obstacle, { recursive: true });
    const error = await update().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UpdateError);
    expect((error as UpdateError).kind).toBe("full");
    expect(readdirSync(join(feeds, "a", "versions"))).toEqual([]);
    expect(await inUse()).toEqual([]);
    rmSync(obstacle, { recursive: true });
    expect(kinds(await update())).toEqual({ a: "updated" });
  });

  test("is not begun twice at once", async () => {
    const { update, config } = site({ a: brings("1", { "a.gws": GWS("T.A") }) });
    const lock = lockShelf(join(config["server.data_dir"], "feeds"));
    expect(await reasonOf(update())).toMatch(/another update is under way/);
    lock.release();
    expect(kinds(await update())).toEqual({ a: "updated" });
  });

  test("says so when its folder can't be written to", async () => {
    const { update, config } = site({ a: brings("1", { "a.gws": GWS("T.A") }) });
    mkdirSync(config["server.data_dir"]);
    writeFileSync(join(config["server.data_dir"], "feeds"), "in the way");
    expect(await reasonOf(update())).toMatch(/feeds can't be written to/);
  });

  test("runs the command after it, which may fail, and not without something new", async () => {
    const note = join(root, "note");
    const command = join(root, "command");
    writeFileSync(command, `#!/bin/sh\necho "$GW_FEEDS $1" > ${note}\necho bad >&2\nexit 3\n`);
    chmodSync(command, 0o755);
    const more = { "update.post_command": [command, "x y"] };
    const { update } = site({ a: brings("1", { "a.gws": GWS("T.A") }) }, more);
    const report = await update();
    expect(report.postCommand).toBe(`${command} ended with 3: bad`);
    expect(exitOf(report)).toBe(30);
    expect(readFileSync(note, "utf8")).toBe("a x y\n");
    rmSync(note);
    expect(exitOf(await update())).toBe(0);
    expect(existsSync(note)).toBe(false);
  });

  test("ends a command that takes too long, and says when there is none", async () => {
    const endless = join(root, "endless");
    writeFileSync(endless, "#!/bin/sh\nexec sleep 1000\n");
    chmodSync(endless, 0o755);
    const scripts: Record<string, Script> = { a: brings("1", { "a.gws": GWS("T.A") }) };
    const late = { "update.post_command": [endless], "update.post_timeout": 50 };
    expect((await site(scripts, late).update()).postCommand).toMatch(/took longer/);
    scripts["a"] = brings("2", { "a.gws": GWS("T.B") });
    const none = { "update.post_command": [join(root, "none")] };
    expect((await site(scripts, none).update()).postCommand).toMatch(/can't be started/);
  });

  test("knows no feed that is not configured", async () => {
    const { update } = site({ a: brings("1", { "a.gws": GWS("T.A") }) });
    expect(await reasonOf(update(["b"]))).toBe('no [[feed]] has the name "b"');
  });

  test("fetches anew what the disk has damaged, and meanwhile uses an earlier whole set", async () => {
    const scripts: Record<string, Script> = { a: brings("1", { "a.gws": GWS("T.A") }) };
    const { update, inUse, config } = site(scripts);
    await update();
    scripts["a"] = brings("2", { "a.gws": GWS("T.B") });
    const { set } = await update();
    const versions = join(config["server.data_dir"], "feeds", "a", "versions");
    writeFileSync(join(versions, set?.feeds["a"]?.id ?? "", "a.gws"), GWS("T.Evil"));
    expect(await inUse()).toEqual(["T.A"]);
    expect((await openSignatures(config)).problems[0]).toMatch(/a\.gws is damaged/);
    expect(kinds(await update())).toEqual({ a: "updated" });
    expect(await inUse()).toEqual(["T.B"]);
  });
});

describe("Updater.rollback()", () => {
  test("goes back by one or several sets, and stays there until there is something newer", async () => {
    const scripts: Record<string, Script> = {};
    const { update, updater, inUse } = site({ a: (job) => (scripts["a"] as Script)(job) });
    for (const n of [1, 2, 3]) {
      scripts["a"] = brings(String(n), { "a.gws": GWS(`T.N${n}`) });
      await update();
    }
    await updater.rollback(1);
    expect(await inUse()).toEqual(["T.N2"]);
    expect(kinds(await update())).toEqual({ a: "rejected" });
    expect(await inUse()).toEqual(["T.N2"]);
    await updater.rollback(1);
    expect(await inUse()).toEqual(["T.N1"]);
    scripts["a"] = brings("4", { "a.gws": GWS("T.N4") });
    expect(kinds(await update())).toEqual({ a: "updated" });
    expect(await inUse()).toEqual(["T.N4"]);
    await updater.rollback(2);
    expect(await inUse()).toEqual([]);
    expect(await reasonOf(updater.rollback(1))).toMatch(/only 0 earlier sets/);
  });

  test("can be undone by force", async () => {
    const { update, updater, inUse } = site({ a: brings("1", { "a.gws": GWS("T.A") }) });
    await update();
    await updater.rollback(1);
    expect(await inUse()).toEqual([]);
    await update(undefined, true);
    expect(await inUse()).toEqual(["T.A"]);
  });
});

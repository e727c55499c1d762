import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { emptyFolder, gw } from "../mail-folder.ts";

const { folder, remove } = emptyFolder();
afterAll(remove);
const file = join(folder, "gw.toml");
const more = join(folder, "gw.d/10-site.toml");
const read = (path: string) => readFileSync(path, "utf8");

const MAIN = [
  "# ours",
  "[policy]",
  'infected = "quarantine" # why',
  "[outbound]",
  'routes = ["example.org [192.0.2.1]"]',
  "[[group]]",
  'name = "sales"',
  'to = ["*@sales.example.org"]',
  'infected = "reject"',
  "[[filter]]",
  'name = "programs"',
  'names = ["*.exe"]',
  "",
].join("\n");

beforeEach(() => {
  rmSync(join(folder, "gw.d"), { recursive: true, force: true });
  mkdirSync(join(folder, "gw.d"));
  writeFileSync(file, MAIN);
  writeFileSync(more, '[scan]\nworkers = 2 # site\n[policy]\nsuspicious = "reject"\n');
});

const set = (...words: string[]) => gw("config", "set", ...words, "--config", file);

describe("gw config show --for", () => {
  test("tells the group, its rules with their places, the filters and the next hop", async () => {
    const args = ["config", "show", "--config", file, "--for", "<>"];
    const { out } = await gw(...args, "bob@sales.example.org");
    expect(out).toContain("# group sales; next hop sales.example.org\n# filters: programs\n");
    expect(out).toMatch(new RegExp(`infected = "reject" +# ${file}:9\n`));
    expect(out).toMatch(new RegExp(`suspicious = "reject" +# ${more}:4\n`));
    expect(out).toMatch(/unscanned = "defer" +# default\n/);
    const { out: other } = await gw(...args, "bob@example.org", "--json");
    const found = JSON.parse(other);
    expect(found).toMatchObject({ group: "default", nextHop: "[192.0.2.1]:25" });
  });

  test("--effective shows each group with all its rules", async () => {
    const { out } = await gw("config", "show", "--effective", "--config", file);
    expect(out).toContain("# Rules of the group default\n");
    expect(out).toContain("# Rules of the group sales\n");
  });

  test("what is no address is refused", async () => {
    await expect(gw("config", "show", "--for", "alice", "bob@x.example")).rejects.toThrow(
      "no address",
    );
    await expect(gw("config", "show", "--for", "a@b.example")).rejects.toThrow("a recipient");
  });
});

describe("gw config diff", () => {
  test("against the defaults, with groups and filters", async () => {
    const { code, out } = await gw("config", "diff", file);
    expect(code).toBe(1);
    expect(out).toMatch(/scan\.workers +0 +2 +needs a restart\n/);
    expect(out).toMatch(/group "sales" +- +added\n/);
    expect(out).not.toContain("policy.infected");
  });

  test("between two files, each difference once", async () => {
    const other = join(folder, "other.toml");
    writeFileSync(other, MAIN.replace('"reject"', '"block"'));
    const { out } = await gw("config", "diff", file, other, "--json");
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { key: "scan.workers", before: "2", after: "0", needsRestart: true },
      { key: "policy.suspicious", before: '"reject"', after: '"quarantine"', needsRestart: false },
      { key: 'group "sales" infected', before: '"reject"', after: '"block"', needsRestart: false },
    ]);
    expect((await gw("config", "diff", file, file)).code).toBe(0);
  });
});

describe("gw config set", () => {
  test("keeps comments and everything else", async () => {
    const { out } = await set("policy.infected", "block");
    expect(out).toBe(`policy.infected = "block" in ${file}\ngw reload takes it\n`);
    expect(read(file)).toBe(MAIN.replace('"quarantine" # why', '"block" # why'));
  });

  test("changes the file that has the setting", async () => {
    chmodSync(more, 0o640);
    expect((await set("scan.workers", "4")).out).toContain("needs a restart\n");
    expect(read(more)).toContain("workers = 4 # site\n");
    expect(statSync(more).mode & 0o777).toBe(0o640);
    expect(read(file)).toBe(MAIN);
  });

  test.each([
    [["inbound.message_size_max", "10MB"], 'message_size_max = "10MB"'],
    [
      ["inbound.relay_domains", "a.example,b.example"],
      'relay_domains = ["a.example", "b.example"]',
    ],
    [["inbound.relay_domains", "a.example", "*.b.example"], '["a.example", "*.b.example"]'],
    [["inbound.relay_domains", '["a.example"]'], '["a.example"]'],
    [["outbound.routes", "* [192.0.2.7]"], 'routes = ["* [192.0.2.7]"]'],
    [["policy.check", "false"], "check = false"],
    [["policy.subject_mark", "5"], 'subject_mark = "5"'],
    [["group.sales.suspicious", "deliver"], 'suspicious = "deliver"'],
  ])("takes %j as people type it", async (words, expected) => {
    expect((await set(...words)).code).toBe(0);
    expect(read(file)).toContain(expected);
    expect((await gw("config", "check", file)).code).toBe(0);
  });

  test.each([
    [["scan.worker", "1"], "did you mean scan.workers?"],
    [["scan.workers", "many"], "scan.workers: expected a whole number"],
    [["scan.workers", "1", "2"], "one value"],
    [["group.nobody.check", "false"], 'no [[group]] has the name "nobody"'],
    [["group.sales.cheque", "false"], 'no setting "cheque"'],
    [["queue.retry_min", "1d"], "nothing was changed"],
  ])("%j is refused, and nothing is changed", async (words, expected) => {
    await expect(set(...words)).rejects.toThrow(expected);
    expect([read(file), read(more).includes("workers = 2")]).toEqual([MAIN, true]);
  });

  test("a link stays a link", async () => {
    const link = join(folder, "link.toml");
    rmSync(link, { force: true });
    symlinkSync(file, link);
    const { code } = await gw("config", "set", "policy.infected", "block", "--config", link);
    expect(code).toBe(0);
    expect(read(file)).toContain('infected = "block" # why');
  });

  test("with --reload and no gateway it is written, and the error says that nobody took it", async () => {
    await set("server.data_dir", join(folder, "data"));
    await expect(set("policy.infected", "block", "--reload")).rejects.toThrow("no gateway runs");
    expect(read(file)).toContain('infected = "block" # why');
  });
});

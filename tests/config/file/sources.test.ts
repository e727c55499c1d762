import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSources } from "../../../src/config/check.ts";
import type { Schema } from "../../../src/config/field.ts";
import { sourceOf } from "../../../src/config/file/sources.ts";
import { FileWatch } from "../../../src/config/file/watch.ts";
import { checkConfig, loadConfig, readConfig } from "../../../src/config/load.ts";
import { secret } from "../../../src/config/types.ts";

const root = mkdtempSync(join(tmpdir(), "gw-sources-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

/** A folder with these files; gives the path of its gw.toml. */
function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = join(root, String(count++));
  mkdirSync(join(folder, "gw.d"), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return join(folder, "gw.toml");
}

function errorOf(file: string): string {
  try {
    loadConfig(file);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

describe("the include folder", () => {
  test("is read in the order of names: later settings win, tables are added", () => {
    const file = folderWith({
      "gw.toml":
        '[scan]\nworkers = 1\ndepth_max = 7\n[[group]]\nname = "a"\nto = ["a@x.example"]\n',
      "gw.d/10.toml": '[scan]\nworkers = 2\n[[group]]\nname = "b"\nto = ["b@x.example"]\n',
      "gw.d/20.toml": "[scan]\nworkers = 3\n",
      "gw.d/.hidden.toml": "no toml",
      "gw.d/20.toml~": "no toml",
    });
    const config = loadConfig(file);
    expect([config["scan.workers"], config["scan.depth_max"]]).toEqual([3, 7]);
    expect(config.group.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  test("mistakes name the file they stand in, also in a later [[group]]", () => {
    const file = folderWith({
      "gw.toml": '[[group]]\nname = "a"\n',
      "gw.d/10.toml": '# more\n[[group]]\nname = "b"\ninfected = "burn"\n',
      "gw.d/20.toml": "[scan]\nworker = 3\n",
      "gw.d/30.toml": "[scan\n",
    });
    const found = checkConfig(file).map((each) => [each.file.split("/").at(-1), each.line]);
    expect(found).toEqual([
      ["30.toml", 1],
      ["10.toml", 4],
      ["20.toml", 2],
    ]);
  });

  test("rules between settings of two files are shown where one of them stands", () => {
    const file = folderWith({
      "gw.toml": '[server]\nhostname = "mx.example"\n',
      "gw.d/q.toml": '[queue]\nretry_min = "1d"\nretry_max = "1h"\n',
    });
    expect(errorOf(file)).toContain("gw.d/q.toml:2:1: queue.retry_min must not be more");
  });

  test("a file that leads back to one that is read is refused", () => {
    const file = folderWith({ "gw.toml": "[scan]\nworkers = 1\n" });
    symlinkSync(file, join(file, "../gw.d/again.toml"));
    expect(errorOf(file)).toMatch(/again\.toml: leads to .*gw\.toml, which is read already/);
  });

  test.each([
    ["a folder", (path: string) => mkdirSync(path), "a folder"],
    ["a device", (path: string) => symlinkSync("/dev/zero", path), "not a regular file"],
    ["a link to itself", (path: string) => symlinkSync(path, path), "leads to itself"],
    ["a link to nothing", (path: string) => symlinkSync("/nonexistent", path), "no such file"],
  ])("%s in it is refused", (_, make, reason) => {
    const file = folderWith({ "gw.toml": "[scan]\nworkers = 1\n" });
    make(join(file, "../gw.d/x.toml"));
    expect(errorOf(file)).toContain(reason);
  });

  test("more than a hundred files are refused", () => {
    const names = Array.from({ length: 101 }, (_, n) => [`gw.d/${n}.toml`, ""]);
    const file = folderWith({ "gw.toml": "[scan]\n", ...Object.fromEntries(names) });
    expect(errorOf(file)).toContain("more than 100 files");
  });

  test("include is no setting, and the error says what is there instead", () => {
    expect(errorOf(folderWith({ "gw.toml": 'include = "gw.toml"\n' }))).toContain(
      "gw.toml:1:1: include is no setting: gw reads *.toml of gw.d",
    );
  });
});

describe("a file that is none", () => {
  test.each([
    ["empty", "", "empty: `gw config sample` prints"],
    ["blank", " \n\n", "empty"],
    ["binary", Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 1), "zero bytes"],
    ["in another encoding", Uint8Array.of(0x23, 0xe4, 0x0a), "not UTF-8"],
    ["huge", "#".repeat(2 ** 20 + 1), "larger than"],
  ])("%s: one line says why", (_, content, reason) => {
    const error = errorOf(folderWith({ "gw.toml": content }));
    expect(error).toContain(reason);
    expect(error.split("\n")).toHaveLength(1);
  });

  test("a device that never ends is too large", () => {
    expect(errorOf("/dev/zero")).toContain("larger than");
  });
});

describe("a list in a file", () => {
  const config = (list: string) =>
    folderWith({ "gw.toml": `[inbound]\nrelay_domains = ${list}\n` });

  test("stands for its lines, without comments", () => {
    const list = join(root, "domains");
    writeFileSync(list, "# ours\nexample.org\r\n\n  *.example.org  \n");
    const loaded = readConfig(config(`["a.example", "file:${list}", "b.example"]`));
    const expected = ["a.example", "example.org", "*.example.org", "b.example"];
    expect(loaded.config["inbound.relay_domains"]).toEqual(expected);
    expect(loaded.files).toEqual([list]);
  });

  test.each([
    [
      "a wrong line",
      "example.org\n-\n",
      /:2:18: inbound.relay_domains: \S+list:2: expected a domain/,
    ],
    ["what is binary", "\0\0", /zero bytes/],
  ])("%s is named with its place", (_, content, expected) => {
    const list = join(root, "list");
    writeFileSync(list, content);
    expect(errorOf(config(`["file:${list}"]`))).toMatch(expected);
  });

  test.each([
    ["file:relative", "path that starts with /"],
    ["file:/nonexistent/list", "no such file"],
    [`file:${root}`, "a folder"],
  ])("%s is a mistake of the line it stands in", (element, expected) => {
    const error = errorOf(config(`["example.org", "${element}"]`));
    expect(error).toContain(":2:33: inbound.relay_domains: ");
    expect(error).toContain(expected);
  });
});

describe("a secret", () => {
  const schema = {
    "proxy.password": { type: secret(), default: "", doc: "", example: "" },
  } satisfies Schema;
  const check = (raw: string) => {
    const text = `[proxy]\npassword = ${JSON.stringify(raw)}\n`;
    return checkSources(schema, [sourceOf("f", text)], () => []);
  };
  const file = join(root, "secret");

  test("is what stands in a file or in the environment", () => {
    writeFileSync(file, "from a file\n", { mode: 0o600 });
    Object.assign(process.env, { GW_TEST_SECRET: "from the environment" });
    expect(check(`file:${file}`).values["proxy.password"]).toBe("from a file");
    expect(check("env:GW_TEST_SECRET").values["proxy.password"]).toBe("from the environment");
    expect(check("plain").values["proxy.password"]).toBe("plain");
    expect(check(`file:${file}`).files).toEqual([file]);
    expect(schema["proxy.password"].type.write("from a file")).toBe('"(set)"');
  });

  test.each([
    ["env:GW_TEST_NOT_SET", "GW_TEST_NOT_SET is not set"],
    ["env:", "name of a variable"],
    ["file:x", "path that starts with /"],
    ["file:/nonexistent", "no such file"],
  ])("%s is a mistake", (raw, expected) => {
    expect(check(raw).problems[0]?.message).toContain(expected);
  });

  test("that everyone may read is refused", () => {
    writeFileSync(file, "x\n");
    chmodSync(file, 0o644);
    expect(check(`file:${file}`).problems[0]?.message).toContain("chmod o-r");
  });
});

test("FileWatch tells of each change once, and of files that come and go", () => {
  const seen: (readonly string[])[] = [];
  const watch = new FileWatch((files) => seen.push(files));
  const [a, b] = [join(root, "a.list"), join(root, "b.list")];
  writeFileSync(a, "1");
  watch.watch([a, b]);
  watch.look();
  expect(seen).toEqual([]);
  writeFileSync(a, "1 and more");
  watch.look();
  watch.look();
  writeFileSync(b, "2");
  watch.look();
  rmSync(b);
  watch.look();
  watch.watch([b]);
  rmSync(a);
  watch.look();
  expect(seen).toEqual([[a], [b], [b]]);
});

// Repositories that other tools made: accepted at the time at which they were copied, refused at any
// other.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { DAY, HeldClock, TestClient, temporaryFolder } from "../../harness/feed.ts";

const CORPUS = resolve(process.env["GW_CORPUS"] ?? "../shared/corpus", "update");
const STATIC = join(CORPUS, "tuf-conformance-static");
const EXAMPLE = join(CORPUS, "tuf-js-example/examples/repository/data");

interface Repository {
  readonly name: string;
  readonly folder: string;
  readonly root: string;
  readonly target: string;
  readonly time: number;
  /** One by one: what the clock may be off, in days, and what is said then. */
  readonly wrongTimes: readonly (readonly [number, RegExp])[];
}

const conformance = (name: string, lifetime: number): Repository => {
  const folder = join(STATIC, name);
  const read = (file: string) =>
    existsSync(folder) ? readFileSync(join(folder, file), "utf8").trim() : "";
  const time = Date.parse(read("faketime").replace(" ", "T"));
  const root = join(folder, "initial_root.json");
  return {
    name,
    folder,
    root,
    target: read("targetpath"),
    time,
    wrongTimes: [[lifetime, /expired/]],
  };
};

const REPOSITORIES: readonly Repository[] = [
  conformance("sigstore-root-signing", 7),
  // Good until 2044.
  conformance("tuf-on-ci-0.11", 20 * 365),
  {
    name: "tuf-js-example",
    folder: EXAMPLE,
    root: join(EXAMPLE, "metadata/1.root.json"),
    target: "file1.txt",
    time: Date.UTC(2026, 0, 1),
    wrongTimes: [[2000, /expired/]],
  },
];

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the corpus is where it is looked for, or is missed as a whole", () => {
  const there = REPOSITORIES.map((each) => existsSync(each.folder));
  expect(new Set(there).size).toBe(1);
});

describe.skipIf(!existsSync(CORPUS))("a repository of another tool", () => {
  test.each(REPOSITORIES.map((each) => [each.name, each] as const))("%s", async (name, each) => {
    const clock = new HeldClock();
    const urls = [pathToFileURL(each.folder).href];
    const { root, target } = each;
    const settings = { urls, root, targets: [target], clock };
    clock.time = each.time;
    const client = new TestClient(join(folder, name), settings);
    expect(await client.update()).toMatchObject({ kind: "fetched", files: [target] });
    expect((await client.update()).kind).toBe("unchanged");
    for (const [days, reason] of each.wrongTimes) {
      clock.time = each.time + days * DAY;
      const late = new TestClient(join(folder, `${name}-${days}`), settings);
      await expect(late.update()).rejects.toThrow(reason);
      await expect(client.update()).rejects.toThrow(reason);
    }
    clock.time = each.time - 2 * DAY;
    await expect(client.update()).rejects.toThrow("the clock of this host is wrong");
  });

  test("a file that it does not offer is told by its name", async () => {
    const clock = new HeldClock();
    const urls = [pathToFileURL(EXAMPLE).href];
    const root = join(EXAMPLE, "metadata/1.root.json");
    const client = new TestClient(join(folder, "no"), { urls, root, targets: ["no.gws"], clock });
    await expect(client.update()).rejects.toThrow('the feed does not offer "no.gws"');
  });
});

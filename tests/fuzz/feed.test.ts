// Damaged and forged documents, bundles and addresses: whatever comes, it is refused with an error of
// ours, and what is in use stays.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BundleError, parseIndex } from "../../src/update/bundle/format.ts";
import { Bundle } from "../../src/update/bundle/read.ts";
import { writeBundle } from "../../src/update/bundle/write.ts";
import { handOut } from "../../src/update/publish/hand-out.ts";
import { releaseOf } from "../../src/update/release.ts";
import { ROLES, RoleError, readRole } from "../../src/update/roles.ts";
import { UpdateError } from "../../src/update/source.ts";
import { HeldClock, TestClient, TestFeed, temporaryFolder } from "../harness/feed.ts";
import { seededRandom } from "../harness/sample-mail.ts";

const ROUNDS = 160;

const folder = temporaryFolder();
const clock = new HeldClock();
let feed: TestFeed;
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  feed = new TestFeed(folder, clock);
  await feed.release("a.gws", "one");
});

/** One to four bytes changed, cut or doubled. */
function damaged(bytes: Uint8Array, random: () => number): Buffer {
  const below = (count: number) => Math.floor(random() * count);
  let changed = Buffer.from(bytes);
  for (let edit = 1 + below(4); edit > 0 && changed.length > 0; edit--) {
    const at = below(changed.length);
    switch (below(4)) {
      case 0:
        changed = changed.subarray(0, at);
        break;
      case 1:
        changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at >> 1)]);
        break;
      default:
        changed.writeUInt8(below(256), at);
    }
  }
  return changed;
}

test("no damage to a document is taken, and none is an error of gw's own", async () => {
  const random = seededRandom(3);
  const metadata = join(feed.feed.publicFolder, "metadata");
  const names = ["timestamp.json", "1.snapshot.json", "1.targets.json", "1.root.json"];
  for (let round = 0; round < ROUNDS; round++) {
    const path = join(metadata, names[round % names.length] ?? "");
    const good = readFileSync(path);
    const bad = damaged(good, random);
    const client = new TestClient(mkdtempSync(join(folder, "client-")), {
      ...{ urls: [feed.url], root: feed.root, clock },
    });
    writeFileSync(path, bad);
    try {
      const { kind } = await client.update();
      // Blanks, or a letter of a signature that is not needed: what it says is what was signed.
      expect(kind).toBe("fetched");
      expect(await client.text("a.gws")).toBe("one");
    } catch (error) {
      expect(error).toBeInstanceOf(UpdateError);
      expect((error as UpdateError).kind).not.toBe("full");
    } finally {
      writeFileSync(path, good);
    }
    rmSync(client.folder, { recursive: true });
  }
}, 120_000);

test("documents of any shape are read or refused", () => {
  const random = seededRandom(4);
  const metadata = join(feed.feed.publicFolder, "metadata");
  for (const role of ROLES) {
    const name = role === "timestamp" ? "timestamp.json" : `1.${role}.json`;
    const good = readFileSync(join(metadata, name));
    for (let round = 0; round < ROUNDS; round++) {
      try {
        const document = readRole(role, damaged(good, random));
        if (document.signed.type === "targets") releaseOf(document.signed as never);
      } catch (error) {
        expect(error).toBeInstanceOf(RoleError);
      }
    }
  }
});

test("no damage to a bundle gets past its list of files and hashes", async () => {
  const random = seededRandom(5);
  const path = join(folder, "feeds.gwb");
  await writeBundle(path, [{ name: "site", folder: feed.feed.publicFolder }], clock.now());
  const good = readFileSync(path);
  for (let round = 0; round < ROUNDS; round++) {
    const place = mkdtempSync(join(folder, "bundle-"));
    writeFileSync(path, damaged(good, random));
    try {
      const bundle = await Bundle.open(path);
      try {
        for (const { name } of bundle.index.feeds) await bundle.extract(name, place);
      } finally {
        await bundle.close();
      }
    } catch (error) {
      expect(error).toBeInstanceOf(BundleError);
    }
    rmSync(place, { recursive: true });
  }
}, 60_000);

test("lists of files of any shape are read or refused", () => {
  const random = seededRandom(6);
  const values = [null, 1, "", "metadata/x", [], {}, [null], [{}], "../x", -1, 1e300, true];
  const any = () => values[Math.floor(random() * values.length)];
  for (let round = 0; round < ROUNDS * 10; round++) {
    const files = [{ path: any(), size: any(), sha256: any() }, any()];
    const feeds = random() < 0.2 ? any() : [{ name: "a", files: random() < 0.5 ? files : any() }];
    try {
      parseIndex(JSON.stringify({ made: "x", feeds }));
    } catch (error) {
      expect(error).toBeInstanceOf(BundleError);
    }
  }
});

test("no path leads out of what is handed out", async () => {
  const random = seededRandom(7);
  const parts = ["metadata", "targets", "..", ".", "", "%2e%2e", "%2f", "keys", "feed.json", "\\"];
  for (let round = 0; round < ROUNDS * 10; round++) {
    const words = Array.from({ length: 1 + Math.floor(random() * 6) }, () => {
      return parts[Math.floor(random() * parts.length)];
    });
    const request = new Request(`http://127.0.0.1/${words.join("/")}`);
    const response = handOut(request, feed.feed.folder);
    expect(response.status === 404 || !(await response.text()).includes("gwKey")).toBe(true);
  }
});

// The attacks that The Update Framework is made against (§1.5.2 of its specification), each mounted
// against a client that holds release 1 of a feed and is offered release 2 or what an attacker makes
// of it. "refused": the client says why and keeps release 1; "recovered": it comes to release 2.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { generateKey } from "../../../src/base/key/signing-key.ts";
import { handOut } from "../../../src/update/publish/hand-out.ts";
import { rotateKey } from "../../../src/update/publish/root.ts";
import { type Role, tufKey } from "../../../src/update/roles.ts";
import type { UpdateError } from "../../../src/update/source.ts";
import { DAY, HeldClock, TestClient, TestFeed, temporaryFolder } from "../../harness/feed.ts";
import { Forgery } from "./forgery.ts";

const OLD = "signature one\n".repeat(500);
const NEW = `${OLD}signature two\n`;

/** A client that holds release 1, and a feed whose release 2 is published. */
interface World {
  readonly folder: string;
  readonly clock: HeldClock;
  readonly feed: TestFeed;
  readonly client: TestClient;
  readonly forgery: Forgery;
  /** A copy of the public half as it was at release 1. */
  readonly before: string;
  readonly servers: { stop(force: boolean): unknown }[];
}

interface Attack {
  readonly name: string;
  /** Gives the addresses that the client has, if not the feed's own. */
  readonly mount: (world: World) => readonly string[] | void | Promise<void>;
  /** Why it is refused; "recovered" if the client comes to release 2 all the same. */
  readonly outcome: RegExp | "recovered";
}

let world: World;

beforeEach(async () => {
  const folder = temporaryFolder();
  const clock = new HeldClock();
  const feed = new TestFeed(folder, clock);
  const urls = [feed.url];
  const client = new TestClient(join(folder, "client"), { urls, root: feed.root, clock });
  await feed.release("a.gws", OLD);
  await client.update();
  const before = join(folder, "before");
  cpSync(feed.feed.publicFolder, before, { recursive: true });
  clock.time += DAY;
  await feed.release("a.gws", NEW);
  world = { folder, clock, feed, client, forgery: new Forgery(feed), before, servers: [] };
});
afterEach(() => {
  for (const server of world.servers) void server.stop(true);
  rmSync(world.folder, { recursive: true, force: true });
});

const rotation = (role: Role) => ({ role, old: undefined, passphrase: undefined, now: 0 });
const stranger = () => {
  const key = generateKey();
  return [tufKey(key.publicHex).id, key] as const;
};
const spoil = (path: string) => {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 2) ^ 1, bytes.length - 2);
  writeFileSync(path, bytes);
};

type Body = () => ReadableStream<Uint8Array>;
const chunk = new Uint8Array(4096).fill(0x20);
const endless: Body = () => new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
const silence: Body = () => new ReadableStream({ start: () => undefined });
const trickle: Body = () => {
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream({
    start: (controller) => {
      timer = setInterval(() => controller.enqueue(Uint8Array.of(0x20)), 20);
    },
    cancel: () => clearInterval(timer),
  });
};

interface Evil {
  readonly path: string;
  readonly body: Body;
}

/** The feed over HTTP, but for one file. */
function served({ feed, servers }: World, evil: Evil): string {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) =>
      new URL(request.url).pathname.endsWith(evil.path)
        ? new Response(evil.body())
        : handOut(request, feed.feed.publicFolder),
  });
  servers.push(server);
  return server.url.href;
}

async function rotateOnline({ feed, clock }: World): Promise<void> {
  for (const role of ["timestamp", "snapshot"] as const) {
    await rotateKey(feed.feed, { ...rotation(role), now: clock.now() });
  }
}

const ATTACKS: readonly Attack[] = [
  {
    name: "arbitrary install: another file in its place",
    mount: ({ forgery }) => {
      rmSync(join(forgery.targets, "gw-deltas"), { recursive: true });
      for (const name of readdirSync(forgery.targets)) spoil(join(forgery.targets, name));
    },
    outcome: /not the file that was signed/,
  },
  {
    name: "arbitrary install: a list of files that nobody signed",
    mount: ({ forgery }) => forgery.release((signed) => Object.assign(signed, { targets: {} }), []),
    outcome: /targets was signed by 0\/1/,
  },
  {
    name: "arbitrary install: signed by a stranger",
    mount: ({ forgery }) =>
      forgery.release((signed) => Object.assign(signed, { targets: {} }), [stranger()]),
    outcome: /targets was signed by 0\/1/,
  },
  {
    name: "rollback of the timestamp",
    mount: async ({ forgery, before, client }) => {
      await client.update();
      cpSync(join(before, "metadata/timestamp.json"), join(forgery.metadata, "timestamp.json"));
    },
    outcome: /timestamp version 1 is less than current version 2/,
  },
  {
    name: "rollback of the snapshot, with a stolen timestamp key",
    mount: async ({ forgery, client }) => {
      await client.update();
      forgery.change("timestamp.json", "timestamp", (signed) => {
        signed.version++;
        signed.meta["snapshot.json"] = { version: 1 };
      });
    },
    outcome: /snapshot version 1 is less than current version 2/,
  },
  {
    name: "rollback of the targets, with stolen timestamp and snapshot keys",
    mount: async ({ forgery, client }) => {
      await client.update();
      forgery.online({
        snapshot: (signed) => {
          signed.meta["targets.json"] = { version: 1 };
        },
      });
    },
    outcome: /version 1 of targets.json is less than current version 2/,
  },
  {
    name: "rollback: the snapshot no longer lists the targets",
    mount: async ({ forgery, client }) => {
      await client.update();
      forgery.online({
        snapshot: (signed) => Object.assign(signed, { meta: { "x.json": { version: 1 } } }),
      });
    },
    outcome: /Missing file targets.json in new snapshot/,
  },
  {
    name: "rollback of the root: an older one as the next",
    mount: ({ forgery }) => forgery.write("2.root.json", forgery.read("1.root.json")),
    outcome: /Expected version 2, got 1/,
  },
  {
    name: "rollback of the root: a version is skipped",
    mount: ({ forgery }) => {
      forgery.root((signed) => Object.assign(signed, { version: 3 }), forgery.keys("root"));
    },
    outcome: /Expected version 2, got 3/,
  },
  {
    name: "freeze: nothing newer is shown until it expires",
    mount: ({ clock }) => {
      clock.time += 8 * DAY;
    },
    outcome: /timestamp.json is expired.*kept from us/,
  },
  {
    name: "freeze: an expired snapshot, with a stolen timestamp key",
    mount: ({ forgery, clock }) => {
      clock.time += 20 * DAY;
      forgery.change("timestamp.json", "timestamp", (signed) => {
        signed.expires = "2026-12-31T00:00:00Z";
      });
    },
    outcome: /snapshot.json is expired/,
  },
  {
    name: "freeze: expired targets, with stolen timestamp and snapshot keys",
    mount: ({ forgery, clock }) => {
      clock.time += 100 * DAY;
      const expires = "2026-12-31T00:00:00Z";
      forgery.online({
        snapshot: (signed) => Object.assign(signed, { expires }),
        timestamp: (signed) => Object.assign(signed, { expires }),
      });
    },
    outcome: /targets.json is expired/,
  },
  {
    name: "freeze: an expired root",
    mount: ({ forgery, clock }) => {
      const expires = "2026-01-02T12:00:00Z";
      forgery.root((signed) => Object.assign(signed, { expires }), forgery.keys("root"));
      clock.time += DAY;
    },
    outcome: /root.json is expired/,
  },
  {
    name: "mix-and-match: the old list of files under the new one's name",
    mount: ({ forgery, before }) =>
      cpSync(join(before, "metadata/1.targets.json"), join(forgery.metadata, "2.targets.json")),
    outcome: /(length|Version 1 of targets does not match)/i,
  },
  {
    name: "mix-and-match: the old snapshot under the new one's name",
    mount: ({ forgery, before }) =>
      cpSync(join(before, "metadata/1.snapshot.json"), join(forgery.metadata, "2.snapshot.json")),
    outcome: /(length|version doesn't match)/i,
  },
  {
    name: "fast-forward: versions that no honest one will reach; the keys are replaced",
    mount: async ({ forgery, client, feed, before, ...rest }) => {
      const honest = forgery.read("timestamp.json");
      forgery.online({
        snapshot: (signed) => {
          signed.version = 999_999;
          signed.meta["targets.json"] = { version: 1 };
        },
        timestamp: (signed) => Object.assign(signed, { version: 999_999 }),
      });
      await client.update();
      forgery.write("timestamp.json", honest);
      rmSync(join(forgery.metadata, "999999.snapshot.json"));
      await expect(client.update()).rejects.toThrow("less than current version 999999");
      await rotateOnline({ forgery, client, feed, before, ...rest });
      await feed.publish();
    },
    outcome: "recovered",
  },
  {
    name: "threshold: one of two signatures",
    mount: async ({ forgery }) => {
      const second = stranger();
      forgery.root((signed) => {
        signed.keys[second[0]] = tufKey(second[1].publicHex).key.toJSON();
        signed.roles.targets.keyids.push(second[0]);
        signed.roles.targets.threshold = 2;
      }, forgery.keys("root"));
    },
    outcome: /targets was signed by 1\/2/,
  },
  {
    name: "threshold: one key listed twice",
    mount: ({ forgery }) => {
      forgery.root((signed) => {
        const { targets } = signed.roles;
        targets.keyids.push(targets.keyids[0]);
        targets.threshold = 2;
      }, forgery.keys("root"));
    },
    outcome: /duplicate key IDs/i,
  },
  {
    name: "threshold: one key signs twice",
    mount: ({ forgery }) => {
      const document = forgery.read("timestamp.json");
      document.signatures.push(document.signatures[0]);
      forgery.write("timestamp.json", document);
    },
    outcome: /multiple signatures found/,
  },
  {
    name: "key rotation: a root that only its own keys signed",
    mount: ({ forgery }) => {
      const thief = stranger();
      forgery.root(
        (signed) => {
          signed.keys[thief[0]] = tufKey(thief[1].publicHex).key.toJSON();
          signed.roles.root.keyids = [thief[0]];
        },
        [thief],
      );
    },
    outcome: /root was signed by 0\/1/,
  },
  {
    name: "key rotation: a root that only the old keys signed",
    mount: ({ forgery }) => {
      const next = stranger();
      forgery.root((signed) => {
        signed.keys[next[0]] = tufKey(next[1].publicHex).key.toJSON();
        signed.roles.root.keyids = [next[0]];
      }, forgery.keys("root"));
    },
    outcome: /root was signed by 0\/1/,
  },
  {
    name: "key rotation: all keys are replaced, as they should be",
    mount: async ({ feed, clock }) => {
      for (const role of ["root", "targets", "snapshot", "timestamp"] as const) {
        await rotateKey(feed.feed, { ...rotation(role), now: clock.now() });
      }
      await feed.publish();
    },
    outcome: "recovered",
  },
  {
    name: "wrong hash: the list of files names another one",
    mount: ({ forgery }) =>
      forgery.release((signed) => {
        signed.targets["a.gws"].length = OLD.length;
      }),
    outcome: /larger than|not the file that was signed/,
  },
  {
    name: "wrong hash: a delta that was changed",
    mount: ({ forgery }) => {
      const folder = join(forgery.targets, "gw-deltas");
      for (const name of readdirSync(folder)) spoil(join(folder, name));
    },
    outcome: "recovered",
  },
  {
    name: "traversal: a file that would lie elsewhere",
    mount: ({ forgery }) =>
      forgery.release((signed) => {
        signed.targets["../../escape.gws"] = signed.targets["a.gws"];
      }),
    outcome: /file name "..\/..\/escape.gws" is not allowed/,
  },
  {
    name: "traversal: an absolute path",
    mount: ({ forgery }) =>
      forgery.release((signed) => {
        signed.targets["/etc/cron.d/gw"] = signed.targets["a.gws"];
      }),
    outcome: /is not allowed/,
  },
  {
    name: "traversal: a file that is a folder as well",
    mount: ({ forgery }) =>
      forgery.release((signed) => {
        signed.targets["a.gws/b"] = signed.targets["a.gws"];
      }),
    outcome: /is a file and a folder/,
  },
  {
    name: "link in a mirror's folder",
    mount: ({ forgery, folder }) => {
      rmSync(join(forgery.targets, "gw-deltas"), { recursive: true });
      writeFileSync(join(folder, "secret"), "secret of this host");
      for (const name of readdirSync(forgery.targets)) {
        rmSync(join(forgery.targets, name));
        symlinkSync(join(folder, "secret"), join(forgery.targets, name));
      }
    },
    outcome: /not the file that was signed/,
  },
  {
    name: "wrong type: a snapshot as the timestamp",
    mount: ({ forgery }) => {
      const { signed } = forgery.read("2.snapshot.json");
      forgery.write("timestamp.json", forgery.sign(signed, forgery.keys("timestamp")));
    },
    outcome: /expected 'timestamp', got snapshot/,
  },
  {
    name: "wrong type: no JSON at all",
    mount: ({ forgery }) => forgery.write("timestamp.json", "<html>Sign in to the hotel</html>"),
    outcome: /JSON/,
  },
  {
    name: "endless data: documents and sizes beyond all bounds",
    mount: ({ forgery }) => forgery.write("timestamp.json", " ".repeat(17 * 1024)),
    outcome: /larger than the 16384 bytes/,
  },
  {
    name: "endless data: a file that is said to be huge",
    mount: ({ forgery }) =>
      forgery.release((signed) => {
        signed.targets["a.gws"].length = 2 ** 50;
      }),
    outcome: /a size of 1125899906842624 bytes/,
  },
  {
    name: "clock: signed in the future",
    mount: ({ forgery }) =>
      forgery.change("timestamp.json", "timestamp", (signed) => {
        signed.version++;
        signed["x-gw"] = { signed: "2026-03-01T00:00:00Z" };
      }),
    outcome: /the clock of this host is wrong/,
  },
  {
    name: "endless data: a timestamp that never ends",
    mount: (each) => [served(each, { path: "/metadata/timestamp.json", body: endless })],
    outcome: /timestamp.json: larger than the 16384 bytes/,
  },
  {
    name: "endless data: a file that never ends",
    mount: (each) => {
      rmSync(join(each.forgery.targets, "gw-deltas"), { recursive: true });
      return [served(each, { path: ".a.gws", body: endless })];
    },
    outcome: /a.gws: larger than the 7014 bytes/,
  },
  {
    name: "slow retrieval: a byte now and then",
    mount: (each) => [served(each, { path: "/metadata/timestamp.json", body: trickle })],
    outcome: /nothing, or too little, came/,
  },
  {
    name: "slow retrieval: an answer that never comes",
    mount: (each) => [served(each, { path: "/metadata/2.root.json", body: silence })],
    outcome: /nothing, or too little, came/,
  },
  {
    name: "a mirror that is not there: the next one is asked",
    mount: ({ feed }) => ["http://127.0.0.1:9/", feed.url],
    outcome: "recovered",
  },
  {
    name: "a mirror that forges: the next one is asked",
    mount: ({ feed, folder, forgery }) => {
      const good = join(folder, "good");
      cpSync(feed.feed.publicFolder, good, { recursive: true });
      forgery.write("timestamp.json", forgery.sign(forgery.read("timestamp.json").signed, []));
      return [feed.url, pathToFileURL(good).href];
    },
    outcome: "recovered",
  },
  {
    name: "a mirror whose files are forged: the next one is asked for them",
    mount: ({ feed, folder, forgery }) => {
      const good = join(folder, "good");
      cpSync(feed.feed.publicFolder, good, { recursive: true });
      rmSync(join(forgery.targets, "gw-deltas"), { recursive: true });
      for (const name of readdirSync(forgery.targets)) spoil(join(forgery.targets, name));
      return [feed.url, pathToFileURL(good).href];
    },
    outcome: "recovered",
  },
  {
    name: "a mirror that is half copied: the next one is asked",
    mount: ({ feed, folder, forgery }) => {
      const good = join(folder, "good");
      cpSync(feed.feed.publicFolder, good, { recursive: true });
      rmSync(join(forgery.metadata, "2.targets.json"));
      return [feed.url, pathToFileURL(good).href];
    },
    outcome: "recovered",
  },
];

const results: string[] = [];
afterAll(() => {
  process.stdout.write(`\n${results.join("\n")}\n\n`);
});

describe("an attack", () => {
  test.each(ATTACKS.map((attack) => [attack.name, attack] as const))("%s", async (name, attack) => {
    const { client } = world;
    const urls = (await attack.mount(world)) ?? [world.feed.url];
    const held = await client.text("a.gws");
    let said = "recovered";
    try {
      await client.update({ urls });
    } catch (error) {
      expect((error as UpdateError).name).toBe("UpdateError");
      said = (error as UpdateError).message;
    }
    const isRecovered = attack.outcome === "recovered";
    const word = said === "recovered" ? said : "refused";
    results.push(
      `${word.padEnd(10)}${name}${word === "refused" ? `\n          -> ${brief(said)}` : ""}`,
    );
    if (isRecovered) expect(said).toBe("recovered");
    else expect(said).toMatch(attack.outcome);
    expect(await client.text("a.gws")).toBe(isRecovered ? NEW : held);
    expect(readdirSync(world.folder)).not.toContain("escape.gws");
  });
});

const brief = (text: string) => text.replaceAll(world.feed.url, "…").slice(0, 150);

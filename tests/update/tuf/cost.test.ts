// What an update costs: one signature more in a set of a hundred thousand.
import { afterAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { handOut } from "../../../src/update/publish/hand-out.ts";
import { DAY, HeldClock, TestClient, TestFeed, temporaryFolder } from "../../harness/feed.ts";

const SIGNATURES = 100_000;
const COST_MAX = 64 * 1024;

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Signatures as they look in ClamAV's lists: the hash of a file, its size and a name. */
function* signatures(): Generator<string> {
  for (let n = 0; n < SIGNATURES; n++) {
    const hash = new Bun.CryptoHasher("sha256").update(String(n)).digest("hex");
    yield `${hash}:${1000 + (n % 100_000)}:Site.Malware.Agent-${n}:73`;
  }
}

test("an added signature costs less than 64 KiB, documents included", async () => {
  const clock = new HeldClock();
  const feed = new TestFeed(folder, clock);
  let requested = 0;
  let requests = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      const response = handOut(request, feed.feed.publicFolder);
      requests++;
      requested += Number(response.headers.get("content-length") ?? 0);
      return response;
    },
  });
  try {
    const settings = { urls: [server.url.href], root: feed.root, clock };
    const client = new TestClient(join(folder, "client"), settings);
    const lines = [...signatures()];
    await feed.release("site.hsb", lines.join("\n"));
    const first = await client.update();
    clock.time += DAY;
    lines.splice(40_000, 0, `${"0f".repeat(32)}:4711:Site.Malware.New-1:73`);
    const more = lines.join("\n");
    await feed.release("site.hsb", more);
    requested = 0;
    requests = 0;
    const { transferred } = await client.update();
    expect(await client.text("site.hsb")).toBe(more);
    process.stdout.write(
      `a set of ${SIGNATURES} signatures: ${first.transferred} bytes; one more: ` +
        `${transferred} bytes in ${requests} requests\n`,
    );
    // As the client counts, and as the server does.
    expect(transferred).toBeLessThan(COST_MAX);
    expect(requested).toBeLessThan(COST_MAX);
  } finally {
    await server.stop(true);
  }
});

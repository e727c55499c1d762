// The vault through the compiled binary: what is kept is found, looked at, taken out, released and
// deleted, and what the next hop says comes back. Needs `npm run build` before (`npm test` does it).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { base64Lines } from "../harness/encode.ts";
import { type PolicyGateway, startPolicyGateway } from "../harness/policy-gateway.ts";
import { policySamples } from "../harness/policy-samples.ts";
import { until } from "../harness/process.ts";

const WAIT_MS = 20_000;
const WAIT = ["--wait", "20s"];
const FORCED = ["--without-check", "--reason", "the test wants it"];
const NOTES = "Notes that nobody objects to.\n";
const SUSPICIOUS = policySamples()["suspicious"] ?? Buffer.alloc(0);
const BODY_MARK = "a-mark-in-the-text";

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

const RULES = `
[[group]]
name = "copies"
to = ["*@copies.example"]
infected = "block"
backup = ["infected"]
archive = "all"
subject_mark = "[seen]"
suspicious = "deliver"
`;

let gateway: PolicyGateway;
beforeAll(async () => {
  gateway = await startPolicyGateway(RULES);
});
afterAll(() => gateway?.stop());

// Two attachments: one that is objected to, one that is not.
function mailOf(id: string, sample: Uint8Array): string {
  return [
    "From: alice@example.com",
    `Message-ID: <${id}@example.com>`,
    `Subject: ${id}`,
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="b"',
    "",
    "--b",
    "Content-Type: text/plain",
    "",
    `Please see the files. ${BODY_MARK}-${id}`,
    "--b",
    'Content-Type: application/octet-stream; name="bad.dat"',
    "Content-Transfer-Encoding: base64",
    "",
    base64Lines(Buffer.from(sample)),
    "--b",
    'Content-Type: application/octet-stream; name="notes.txt"',
    "Content-Transfer-Encoding: base64",
    "",
    base64Lines(Buffer.from(NOTES)),
    "--b--",
    "",
  ].join("\r\n");
}

const vault = (...words: readonly string[]) => gateway.gateway.command("vault", ...words);
const listed = async (...words: readonly string[]) =>
  (await vault("list", "--json", ...words)).stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

/** Sends a mail that is kept; gives the entry's id. */
async function keep(id: string, to: string, sample: Uint8Array = SUSPICIOUS): Promise<string> {
  const mail = mailOf(id, sample);
  const reply = await gateway.send({ from: "alice@example.com", to: [to], mail });
  expect([id, reply.code, reply.last]).toEqual([id, 250, reply.last]);
  const [entry] = await listed("--subject", id);
  return entry.id;
}

const arrivedFor = (address: string) =>
  gateway.arrived.filter(({ recipients }) => recipients.includes(address));

async function shown(entry: string) {
  return JSON.parse((await vault("show", entry, "--json")).stdout);
}

describe("release", () => {
  test("of what is still objected to needs a reason; 250 makes it delivered", async () => {
    const entry = await keep("plain", "bob@example.org");
    const refused = await vault("release", entry, ...WAIT);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("still suspicious"),
    ]);
    expect((await shown(entry)).state).toBe("kept");
    const released = await vault("release", entry, ...FORCED, ...WAIT);
    expect([released.code, released.stderr]).toEqual([0, ""]);
    expect(released.stdout).toMatch(/bob@example\.org delivered: 250 2\.0\.0 OK/);
    const [got] = arrivedFor("bob@example.org");
    expect(got?.sender).toBe("alice@example.com");
    expect(got?.bytes.toString("latin1")).toContain(mailOf("plain", SUSPICIOUS));
    expect(await shown(entry)).toMatchObject({ state: "delivered", store: "quarantine" });
    expect(gateway.log()).toMatch(
      new RegExp(`vault-release .*id=${entry} who=".*\\(uid \\d+.*reason="the test wants it"`),
    );
    const why = await gateway.gateway.command("why", "plain@example.com");
    expect(why.stdout).toMatch(/is in the quarantine still; .* to bob@example\.org: delivered/);
  });

  test("of what the next hop refuses has failed, stays, and may go elsewhere", async () => {
    const entry = await keep("refused", "nobody@example.org");
    const released = await vault("release", entry, ...FORCED, ...WAIT);
    expect([released.code, released.stdout]).toEqual([
      1,
      expect.stringContaining("nobody@example.org failed: 550 5.1.1 no"),
    ]);
    expect((await shown(entry)).state).toBe("failed");
    const [item] = await listed("--subject", "refused");
    expect(item).toMatchObject({ id: entry, state: "failed" });
    const again = await vault("release", entry, ...FORCED, ...WAIT, "--to", "lab@example.org");
    expect(again.stdout).toContain("lab@example.org delivered");
    expect((await shown(entry)).releases.map((one: { state: string }) => one.state)).toEqual([
      "failed",
      "delivered",
    ]);
  });

  test("of a single attachment sends it alone, after a check of its own", async () => {
    const entry = await keep("single", "carol@example.org");
    const bad = await vault("release", entry, "--object", "bad.dat", ...WAIT);
    expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining("still suspicious")]);
    const good = await vault("release", entry, "--object", "notes.txt", ...WAIT);
    expect([good.code, good.stderr]).toEqual([0, ""]);
    const [got] = arrivedFor("carol@example.org");
    const text = got?.bytes.toString("latin1") ?? "";
    expect(got?.sender).toBe("");
    expect(text).toContain('filename="notes.txt"');
    expect(text).toContain(base64Lines(Buffer.from(NOTES)));
    expect(text).not.toContain(base64Lines(SUSPICIOUS).slice(0, 60));
    expect((await shown(entry)).releases).toMatchObject([{ kind: "object", state: "delivered" }]);
  });

  test("under a fresh Message-ID keeps the old one and says who resent it", async () => {
    const entry = await keep("fresh", "dan@example.org");
    expect((await vault("release", entry, "--fresh-id", ...FORCED, ...WAIT)).code).toBe(0);
    const text = arrivedFor("dan@example.org")[0]?.bytes.toString("latin1") ?? "";
    const header = text.slice(0, text.indexOf("\r\n\r\n"));
    for (const field of [
      /^Resent-Date: /m,
      /^Resent-From: <postmaster@gw\.example\.net>/m,
      /^Resent-To: <dan@example\.org>/m,
      /^Original-Message-ID: <fresh@example\.com>/m,
    ]) {
      expect(header).toMatch(field);
    }
    const ids = [...header.matchAll(/^(?:Resent-)?Message-ID: <(.*)>/gm)].map(([, id]) => id);
    expect(ids).toHaveLength(2);
    expect(ids[0]).toBe(ids[1] ?? "");
    expect(ids[0]).toEndWith("@gw.example.net");
  });

  test("attached sends the whole message within one of the gateway", async () => {
    const entry = await keep("attached", "erin@example.org");
    expect((await vault("release", entry, "--attach", ...FORCED, ...WAIT)).code).toBe(0);
    const text = arrivedFor("erin@example.org")[0]?.bytes.toString("latin1") ?? "";
    expect(text).toContain("Content-Type: message/rfc822");
    expect(text).toContain(mailOf("attached", SUSPICIOUS));
  });

  test("of what an exemption lets pass by now needs no more", async () => {
    const entry = await keep("exempt-later", "frank@example.org");
    const { stdout } = await gateway.gateway.command(
      ...["exempt", "add", "--signature", "Test.Suspicious", "--for", "1h", "--reason", "test"],
    );
    const number = /exemption (\d+)/.exec(stdout)?.[1] ?? "";
    const released = await vault("release", entry, ...WAIT);
    expect([released.code, released.stderr]).toEqual([0, ""]);
    expect((await gateway.gateway.command("exempt", "remove", number)).code).toBe(0);
  });
});

describe("an exemption", () => {
  test("passes the same file at once, and stops at its expiry", async () => {
    const file = join(gateway.folder, "bad.dat");
    writeFileSync(file, SUSPICIOUS);
    const to = ["gina@example.org"];
    let count = 0;
    const isDelivered = async () => {
      const id = `expiry-${++count}`;
      const mail = mailOf(id, SUSPICIOUS);
      await gateway.send({ from: "alice@example.com", to, mail });
      return (await gateway.fateOf(id, to[0] ?? "")) === "delivered";
    };
    expect(await isDelivered()).toBe(false);
    const added = await gateway.gateway.command(
      ...["exempt", "add", "--file", file, "--for", "2s", "--reason", "a false alarm"],
    );
    expect(added.stderr).toBe("");
    const addedAt = Date.now();
    let passed = false;
    while (!passed && Date.now() - addedAt < 1_000) passed = await isDelivered();
    expect(passed).toBe(true);
    const [exemption] = (await gateway.jsonOf("exempt", "list")).slice(-1);
    while (await isDelivered()) expect(Date.now()).toBeLessThan(exemption.expiresAt + 1_000);
    expect(Date.now()).toBeGreaterThanOrEqual(exemption.expiresAt);
    expect(exemption.uses).toBeGreaterThan(0);
  });
});

describe("search", () => {
  test("finds by hash of the message and of objects in it", async () => {
    const entry = await keep("hashed", "henry@example.org", Buffer.from(`${SUSPICIOUS} once`));
    const hash = sha256(`${SUSPICIOUS} once`);
    const deadline = Date.now() + WAIT_MS;
    let found: { id: string }[] = [];
    while (found.length === 0 && Date.now() < deadline) found = await listed("--hash", hash);
    expect(found).toMatchObject([{ id: entry, store: "quarantine" }]);
    const raw = (await vault("show", entry, "--raw")).stdout;
    const message = raw.slice(raw.indexOf("From: alice"));
    expect(await listed("--hash", sha256(message))).toHaveLength(1);
    expect(await listed("--hash", sha256("nothing"))).toEqual([]);
  });

  test("finds by masks, Message-ID, status and store", async () => {
    const entry = await keep("masked", "ivy@search.example");
    for (const words of [
      ["--recipient", "*@search.example"],
      ["--message-id", "masked@example.com"],
      ["--recipient", "ivy@*", "--status", "suspicious", "--store", "quarantine"],
      ["--sender", "alice@example.???", "--subject", "mask"],
    ]) {
      expect([words, await listed(...words)]).toMatchObject([words, [{ id: entry }]]);
    }
    expect(await listed("--recipient", "*@search.exampl")).toEqual([]);
    expect(await listed("--recipient", "ivy@*", "--store", "backup")).toEqual([]);
  });

  test("tells backup and both sides of the archive apart", async () => {
    const send = (id: string, sample: Uint8Array) =>
      gateway.send({ from: "a@example.com", to: ["joe@copies.example"], mail: mailOf(id, sample) });
    await send("copied-bad", policySamples()["eicar"] ?? Buffer.alloc(0));
    await send("copied-marked", SUSPICIOUS);
    await send("copied-clean", Buffer.from("nothing"));
    const subjects = async (store: string) =>
      (await listed("--store", store, "--subject", "copied")).map(({ subject }) => subject).sort();
    expect(await subjects("backup")).toEqual(["copied-bad"]);
    expect(await subjects("incoming")).toEqual(["copied-bad", "copied-clean", "copied-marked"]);
    expect(await subjects("outgoing")).toEqual(["copied-clean", "copied-marked"]);
    expect(await subjects("archive")).toHaveLength(4);
    const [backup] = await listed("--store", "backup");
    const released = await vault("release", backup.id, ...FORCED, ...WAIT);
    expect([released.code, released.stderr]).toEqual([0, ""]);
  });
});

describe("what is kept", () => {
  const files = (text: string) =>
    readdirSync(join(gateway.folder, "data"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => contentOf(path).includes(text));
  // The gateway takes files away at any moment.
  const contentOf = (path: string) => {
    try {
      return readFileSync(path);
    } catch {
      return Buffer.alloc(0);
    }
  };

  test("is shown as text in which nothing acts upon a terminal", async () => {
    const entry = await keep("shown", "kim@example.org", Buffer.from(`\u001b[2J${SUSPICIOUS}`));
    const { stdout } = await vault("show", entry, "--text");
    expect(stdout).toMatch(/\[1\] .*text/);
    expect(stdout).toMatch(/bad\.dat .* suspicious\n.*suspicious Test\.Suspicious/);
    expect(stdout).toContain(`${BODY_MARK}-shown`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
  });

  test("is readable by nobody else, and packed", async () => {
    const entry = await keep("packed", "liz@example.org");
    const folder = join(gateway.folder, "data/quarantine");
    const isPacked = () => readdirSync(folder).includes(`${entry}.zst`);
    expect(await until(isPacked, WAIT_MS)).toBe(true);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, `${entry}.zst`)).mode & 0o777).toBe(0o600);
    const path = join(gateway.folder, "out.zip");
    expect((await vault("extract", entry, "bad.dat", "--to", path)).stderr).toBe("");
    if (Bun.which("7zz") === null) return;
    const unzipped = Bun.spawnSync(["7zz", "x", "-so", "-pinfected", path]);
    expect(unzipped.stdout.toString()).toBe(SUSPICIOUS.toString());
  });

  test("leaves no bytes when it is deleted, and it is known who did it", async () => {
    const entry = await keep("deleted", "max@example.org");
    expect((await vault("release", entry, ...FORCED, ...WAIT)).code).toBe(0);
    expect((await vault("delete", entry, "--reason", "not ours")).stdout).toBe(
      "1 message deleted\n",
    );
    expect(await until(() => files(`${BODY_MARK}-deleted`).length === 0, WAIT_MS)).toBe(true);
    const told = new RegExp(`vault-delete .*id=${entry} .*reason="not ours"`);
    expect(await until(() => told.test(gateway.log()), WAIT_MS)).toBe(true);
  });

  test("leaves no record in the spool either", async () => {
    const entry = await keep("unrecorded", "mia@example.org");
    // The trail of decisions, in the database, has the subject until it goes by its own time.
    const isInSpool = () => files('"subject":"unrecorded"').some((path) => !path.includes("gw.db"));
    expect(isInSpool()).toBe(true);
    expect((await vault("delete", entry)).code).toBe(0);
    expect(await until(() => !isInSpool(), WAIT_MS)).toBe(true);
  });

  test("goes by itself when it is older than is configured now", async () => {
    await keep("aged", "ned@example.org");
    const clean = mailOf("aged-archive", Buffer.from("nothing"));
    await gateway.send({ from: "alice@example.com", to: ["ned@copies.example"], mail: clean });
    const { configFile } = gateway.gateway;
    const settings = readFileSync(configFile, "utf8");
    writeFileSync(configFile, `vault.quarantine_keep = "1s"\n${settings}`);
    expect((await gateway.gateway.command("reload")).code).toBe(0);
    const isGone = () => /vault-purged .*store=quarantine/.test(gateway.log());
    expect(await until(isGone, WAIT_MS)).toBe(true);
    expect(await listed("--store", "archive", "--subject", "aged-archive")).toHaveLength(1);
  });
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eicar, folderWith, gw, mailWith } from "./mail-folder.ts";

const DAY_MS = 86_400_000;
let mail: Awaited<ReturnType<typeof folderWith>>;

beforeEach(async () => {
  mail = await folderWith([
    {
      place: "quarantine",
      subject: "old",
      receivedAt: Date.now() - 30 * DAY_MS,
      findings: ["Old.Signature"],
      text: mailWith("not a virus any more"),
    },
    {
      place: "quarantine",
      sender: "evil@example.com",
      subject: "new \u202etxt.exe",
      findings: ["Gw.Test.EICAR"],
      text: mailWith(eicar()),
    },
    { place: "queue" },
  ]);
});
afterEach(() => mail.remove());

const quarantine = (...args: string[]) => gw("quarantine", ...args, "--data", mail.data);
const listed = async (...args: string[]) =>
  (await quarantine("list", "--json", ...args)).out
    .match(/.+\n/g)
    ?.map((line) => JSON.parse(line)) ?? [];

describe("gw quarantine list", () => {
  test("shows messages, newest first, hostile text made harmless", async () => {
    const { code, out } = await quarantine("list");
    const lines = out.split("\n");
    expect(code).toBe(0);
    expect(lines[1]).toStartWith(`${mail.ids[1]} `);
    expect(lines[1]).toMatch(/Gw\.Test\.EICAR +new \\u\{202e\}txt\.exe$/);
    expect(lines[2]).toContain("Old.Signature");
    expect(lines[3]).toMatch(/^2 of 2 messages \(.* in all\)$/);
  });

  test.each([
    ["--sender", "EVIL", 1],
    ["--recipient", "b@", 2],
    ["--subject", "old", 1],
    ["--signature", "eicar", 1],
    ["--since", "7d", 1],
    ["--before", "7d", 1],
    ["--limit", "1", 1],
  ])("%s %s finds %p", async (option, value, count) => {
    expect(await listed(option, value)).toHaveLength(count);
  });
});

describe("gw quarantine show", () => {
  test("shows envelope, findings and the decoded header", async () => {
    const { out } = await quarantine("show", mail.ids[1] ?? "");
    for (const line of [
      "Sender:     <evil@example.com>",
      "Found:      Gw.Test.EICAR",
      'From:       "Jürgen" <j@example.org>',
      "Status:     infected",
    ]) {
      expect(out).toContain(`${line}\n`);
    }
  });

  test("--raw gives the trace fields and the message, byte for byte", async () => {
    const [id = ""] = mail.ids;
    const { out } = await quarantine("show", id, "--raw");
    expect(out).toBe(`Received: by test; id=${id}\r\n${mailWith("not a virus any more")}`);
  });

  test("of what is not there is an error", async () => {
    await expect(quarantine("show", mail.ids[2] ?? "")).rejects.toThrow("is in quarantine");
  });
});

describe("gw quarantine release", () => {
  const release = (...args: string[]) => {
    const file = join(mail.folder, "gw.toml");
    writeFileSync(file, `[server]\ndata_dir = ${JSON.stringify(mail.data)}\n`);
    return gw("quarantine", "release", "--config", file, ...args);
  };

  test("asks for what is clean now and keeps what is not", async () => {
    const answer = await release(mail.ids[0] ?? "", mail.ids[1] ?? "");
    expect(answer.code).toBe(1);
    expect(answer.out).toBe("1 of 2 messages released\n");
    expect(answer.err).toContain(`${mail.ids[1]} is still infected (infected: Gw.Test.EICAR)`);
    const [second, first] = await listed();
    expect([first.state, second.state]).toEqual(["asked", "kept"]);
    const { out } = await quarantine("show", mail.ids[0] ?? "");
    expect(out).toMatch(/Releases:\n.* message as \w+ by .*\n {4}b@example.org asked\n/);
  });

  test("--without-check delivers all the same, --to to someone else", async () => {
    const [, id = ""] = mail.ids;
    const options = ["--without-check", "--reason", "a false alarm", "--to", "lab@example.org"];
    const answer = await release(id, ...options, "--json");
    expect(JSON.parse(answer.out)).toMatchObject({
      entry: id,
      state: "asked",
      isChecked: false,
      reason: "a false alarm",
      recipients: ["lab@example.org"],
    });
    const { acts } = JSON.parse((await quarantine("show", id, "--json")).out);
    expect(acts).toMatchObject([{ verb: "release", reason: "a false alarm" }]);
    expect(acts[0].who).toMatch(/\(uid \d+/);
  });

  test.each([
    [["--to", "lab"], "--to needs an address"],
    [["nothing00000"], "no message nothing00000 is in quarantine"],
    [["--without-check"], "--without-check needs --reason"],
    [["--attach", "--fresh-id"], "exclude each other"],
    [["--object", "99"], 'no object "99"'],
    [["--wait", "soon"], "--wait needs a time"],
  ])("with %p says what is wrong before it does anything", async (options, error) => {
    await expect(release(mail.ids[0] ?? "", ...options)).rejects.toThrow(error);
    expect((await listed()).map(({ state }) => state)).toEqual(["kept", "kept"]);
  });
});

describe("gw quarantine extract", () => {
  const extract = (...args: string[]) => quarantine("extract", mail.ids[1] ?? "", ...args);

  test.each([
    ["by its number", "1"],
    ["by the end of its path", "a.com"],
    ["by its path", "message/a.com"],
  ])("writes an object %s into a zip that unzip and 7zz open", async (_, object) => {
    const path = join(mail.folder, "out.zip");
    const answer = await extract(object, "--to", path);
    expect(answer).toMatchObject({ code: 0, out: expect.stringContaining('password "infected"') });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path).includes(eicar().slice(0, 20))).toBe(false);
    for (const [tool, reads, refuses] of [
      ["unzip", ["-P", "infected", "-p"], ["-P", "wrong", "-p"]],
      ["7zz", ["x", "-so", "-pinfected"], ["x", "-so", "-pwrong"]],
    ] as const) {
      if (Bun.which(tool) === null) continue;
      expect(Bun.spawnSync([tool, ...reads, path]).stdout.toString()).toBe(eicar());
      expect(Bun.spawnSync([tool, ...refuses, path]).exitCode).not.toBe(0);
    }
  });

  test("writes it as it is when forced, never over another file, and it is noted", async () => {
    const path = join(mail.folder, "out.bin");
    expect((await extract("1", "--to", path, "--force", "--reason", "for the lab")).code).toBe(0);
    expect(readFileSync(path, "utf8")).toBe(eicar());
    await expect(extract("1", "--to", path, "--force")).rejects.toThrow("exist");
    const { acts } = JSON.parse((await quarantine("show", mail.ids[1] ?? "", "--json")).out);
    expect(acts[0]).toMatchObject({ verb: "extract", reason: "for the lab" });
  });

  test("of what is not there is an error", async () => {
    await expect(extract("b.com")).rejects.toThrow('no object "b.com"');
  });
});

describe("gw quarantine purge", () => {
  test("lets go what is older than the configuration says, or than --before", async () => {
    expect((await quarantine("purge")).out).toBe("quarantine: 1 message deleted, 232 B\n");
    expect(await listed()).toHaveLength(1);
    expect((await quarantine("purge", "--before", "0s", "--json")).out).toContain('"messages":1');
    expect(await listed()).toEqual([]);
  });
});

test("gw vault has all stores, gw quarantine its own", async () => {
  const other = await folderWith([{ place: "backup" }]);
  try {
    const [id = ""] = other.ids;
    const inAll = await gw("vault", "list", "--json", "--data", other.data);
    expect(JSON.parse(inAll.out)).toMatchObject({ id, store: "backup" });
    expect(
      (await gw("vault", "list", "--store", "archive", "--json", "--data", other.data)).out,
    ).toBe("");
    expect((await gw("quarantine", "list", "--json", "--data", other.data)).out).toBe("");
    await expect(gw("quarantine", "show", id, "--data", other.data)).rejects.toThrow(
      "in quarantine",
    );
    expect((await gw("quarantine", "delete", id, "--data", other.data)).code).toBe(2);
    await expect(
      gw("quarantine", "list", "--store", "backup", "--data", other.data),
    ).rejects.toThrow("unknown option");
  } finally {
    other.remove();
  }
});

describe("gw quarantine delete", () => {
  test("deletes by filter and by id, and tells of what is not there", async () => {
    expect(await quarantine("delete", "--before", "7d")).toMatchObject({
      code: 0,
      out: "1 message deleted\n",
    });
    const answer = await quarantine("delete", mail.ids[0] ?? "", mail.ids[1] ?? "");
    expect(answer.code).toBe(2);
    expect(answer.err).toContain(`no message ${mail.ids[0]} is in quarantine`);
    expect(await listed()).toEqual([]);
  });

  test("without ids and filters does nothing", async () => {
    await expect(quarantine("delete")).rejects.toThrow("name messages by their ids");
    expect(await listed()).toHaveLength(2);
  });
});

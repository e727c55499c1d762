import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
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
    expect(lines[1]).toEndWith("Gw.Test.EICAR  new \\u{202e}txt.exe");
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

  test("delivers what is clean now and keeps what is not", async () => {
    const answer = await release(mail.ids[0] ?? "", mail.ids[1] ?? "");
    expect(answer.code).toBe(1);
    expect(answer.out).toBe("1 of 2 messages released\n");
    expect(answer.err).toContain(`${mail.ids[1]} is still infected (infected: Gw.Test.EICAR)`);
    expect(await listed()).toMatchObject([{ id: mail.ids[1] }]);
    const { out } = await gw("queue", "list", "--json", "--data", mail.data);
    expect(out).toContain(mail.ids[0] ?? "-");
  });

  test("--force delivers all the same, --to to someone else", async () => {
    const answer = await release(mail.ids[1] ?? "", "--force", "--to", "lab@example.org");
    expect(answer).toMatchObject({ code: 0, out: "1 of 1 message released\n" });
    const { out } = await gw("queue", "show", mail.ids[1] ?? "", "--json", "--data", mail.data);
    expect(JSON.parse(out).recipients).toMatchObject([{ address: "lab@example.org" }]);
  });

  test("refuses an address that is none, and ids that are not there, before it does anything", async () => {
    const [id = ""] = mail.ids;
    await expect(release(id, "--force", "--to", "lab")).rejects.toThrow("--to needs an address");
    await expect(release(id, "--force", "nothing")).rejects.toThrow("no message nothing");
    expect(await listed()).toHaveLength(2);
  });
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

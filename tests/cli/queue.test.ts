import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { folderWith, gw } from "./mail-folder.ts";

let mail: Awaited<ReturnType<typeof folderWith>>;

beforeEach(async () => {
  mail = await folderWith([
    { place: "queue", recipients: ["b@example.org", "c@example.org"], subject: "first" },
    { place: "queue", sender: "", recipients: ["d@example.net"], subject: "\u001b[31mred" },
    { place: "quarantine", findings: ["X"] },
  ]);
});
afterEach(() => mail.remove());

const queue = (...args: string[]) => gw("queue", ...args, "--data", mail.data);
const listed = async (...args: string[]) =>
  (await queue("list", "--json", ...args)).out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

describe("gw queue list", () => {
  test("shows waiting messages, oldest first, and totals", async () => {
    const { code, out } = await queue("list");
    const lines = out.split("\n");
    expect(code).toBe(0);
    expect(lines[1]).toMatch(
      new RegExp(`^${mail.ids[0]} .* queued +now +<a@example\\.com> +b@example\\.org \\+1$`),
    );
    expect(lines[2]).toContain("<>");
    expect(lines[3]).toMatch(/^2 of 2 messages \(\d+ B in all\); 0 recipients held, 0 deferred$/);
  });

  test.each([
    ["--sender", "A@EXAMPLE", 1],
    ["--recipient", "d@", 1],
    ["--recipient", "example", 2],
    ["--state", "held", 0],
    ["--limit", "1", 1],
    ["--reply", "busy", 0],
    ["--older", "1h", 0],
    ["--older", "0s", 2],
  ])("%s %s finds %p", async (option, value, count) => {
    expect(await listed(option, value)).toHaveLength(count);
  });

  test("of an empty queue is a line of totals", async () => {
    await queue("delete", "--all");
    expect((await queue("list")).out).toBe(
      "0 of 0 messages (0 B in all); 0 recipients held, 0 deferred\n",
    );
  });
});

describe("gw queue show", () => {
  test("shows envelope and recipients, hostile text made harmless", async () => {
    const { out } = await queue("show", mail.ids[1] ?? "");
    expect(out).toContain("Subject:    \\u{1b}[31mred\n");
    expect(out).toContain("Sender:     <>\n");
    expect(out).toMatch(/\nd@example\.net +queued +0 +now\n/);
    expect(out).not.toContain("\u001b");
  });

  test("--json gives all of it", async () => {
    const { out } = await queue("show", mail.ids[0] ?? "", "--json");
    expect(JSON.parse(out).recipients).toHaveLength(2);
  });

  test("of a message that is not there is an error", async () => {
    await expect(queue("show", mail.ids[2] ?? "")).rejects.toThrow("is in the queue");
  });
});

describe("verbs", () => {
  test("hold, then release and retry, by id, filter and all", async () => {
    expect(await queue("hold", mail.ids[0] ?? "")).toMatchObject({ out: "2 recipients held\n" });
    expect(await listed("--state", "held")).toHaveLength(1);
    expect(await queue("hold", "--all")).toMatchObject({ out: "1 recipient held\n" });
    const { out } = await queue("release", "--recipient", "d@example");
    expect(out).toBe("1 recipient released\n");
    expect(await listed("--state", "held")).toHaveLength(1);
    expect((await queue("retry", "--all")).out).toBe("1 recipient will be tried now\n");
  });

  test("a recipient narrows a verb down to those that contain it", async () => {
    const [id = ""] = mail.ids;
    const { out } = await queue("hold", id, "--recipient", "b@", "--json");
    expect(JSON.parse(out)).toEqual({ recipients: 1, missing: [] });
    const [item] = await listed("--recipient", "b@");
    expect(item.recipients.map(({ state }: { state: string }) => state)).toEqual([
      "held",
      "queued",
    ]);
    expect(item.states).toEqual({ queued: 1, deferred: 0, held: 1 });
    expect((await queue("list")).out).toContain(" 1 queued, 1 held ");
    expect((await queue("delete", "--all", "--recipient", "b@")).out).toBe("1 recipient deleted\n");
    const [left] = await listed("--sender", "a@");
    expect([left.id, left.recipientCount]).toEqual([id, 1]);
  });

  test("reroute sends messages another way, and back to their routes", async () => {
    const [id = ""] = mail.ids;
    const { out } = await queue("reroute", id, "--to", "[192.0.2.9]:26");
    expect(out).toBe("2 recipients go to [192.0.2.9]:26\n");
    expect((await queue("show", id)).out).toMatch(
      /b@example\.org +queued +0 +now +\[192\.0\.2\.9\]:26/,
    );
    expect((await queue("reroute", id, "--undo")).out).toBe(
      "2 recipients go by the routes again\n",
    );
    await expect(queue("reroute", id)).rejects.toThrow("--to HOP");
    await expect(queue("reroute", id, "--to", "no where")).rejects.toThrow("is no next hop");
  });

  test("flush makes all mail due, or that of a domain", async () => {
    expect((await queue("flush", "example.net")).out).toBe("1 recipient will be tried now\n");
    expect((await queue("flush")).out).toBe("3 recipients will be tried now\n");
  });

  test("delete takes only what is named, and tells of what is not there", async () => {
    const answer = await queue("delete", mail.ids[0] ?? "", "0000000nothing");
    expect(answer).toEqual({
      code: 2,
      out: "2 recipients deleted\n",
      err: "gw: no message 0000000nothing is in the queue\n",
    });
    expect(await listed()).toMatchObject([{ id: mail.ids[1] }]);
  });

  test.each([
    [[]],
    [["--all", "--sender", "a"]],
    [["--all", "someid"]],
    [["x", "--state", "held"]],
  ])("delete %p does nothing, because it is not clear what is meant", async (args) => {
    await expect(queue("delete", ...args)).rejects.toThrow("name messages by their ids");
    expect(await listed()).toHaveLength(2);
  });
});

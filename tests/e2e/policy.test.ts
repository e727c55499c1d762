// Policy through the compiled binary: every folder of tests/corpus is one case. Its rules.toml has
// the groups and filters it needs, its message.eml the mail, its expected.json who gets what. The
// rules of all cases are those of one gateway, so that cases must not share recipients. Needs
// `npm run build` before (`npm test` does it).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { disguisedMail, nameTricks, wrappers } from "../harness/disguises.ts";
import { base64Lines } from "../harness/encode.ts";
import { LineClient } from "../harness/line-client.ts";
import { type PolicyGateway, startPolicyGateway } from "../harness/policy-gateway.ts";
import { fillMail, policySamples } from "../harness/policy-samples.ts";

const CORPUS = "tests/corpus";
/** Times that something is asked again which takes a moment; each takes a process. */
const TRIES_MAX = 50;

interface Expected {
  readonly to: readonly string[];
  readonly reply: number;
  readonly fate: Readonly<Record<string, "delivered" | "quarantine" | "blocked" | "refused">>;
  /** A line of the log that must tell of it. */
  readonly log?: string;
  readonly backup?: boolean;
  readonly archive?: boolean;
  /** What was done to the attachment in the message that a recipient got. */
  readonly content?: Readonly<Record<string, "cure" | "remove" | "placeholder" | "rename">>;
  /** A field of the message that a recipient got. */
  readonly header?: Readonly<Record<string, string>>;
  /** What its subject begins with. */
  readonly subject?: Readonly<Record<string, string>>;
}

// What became of the attachment of a case's message, as a reader of the delivered one sees it.
function contentOf(delivered: string, template: string): string {
  const sample = /\{\{(\w+)\}\}\s*--next--/.exec(template)?.[1] ?? "";
  const [name = ""] = /[\w]+\.\w+(?=")/.exec(template) ?? [];
  const data = base64Lines(policySamples()[sample] ?? "").split("\r\n")[0] ?? "";
  const cured = base64Lines("A text, and behind it ");
  if (sample === "curable" && delivered.includes(`\r\n\r\n${cured}\r\n--next--`)) return "cure";
  if (delivered.includes(data)) return delivered.includes(`"${name}"`) ? "original" : "rename";
  const texts = delivered.split("\r\n\r\n").map((each) => Buffer.from(each, "base64").toString());
  return texts.some((text) => /taken out of|entfernt/.test(text)) ? "placeholder" : "remove";
}

const cases = readdirSync(CORPUS).sort();
const read = (name: string, file: string) => readFileSync(join(CORPUS, name, file), "utf8");
const EVASION = `
[[group]]
name = "evasion"
to = ["*@evasion.example"]

[[filter]]
name = "programs by name"
names = ["*.exe"]
groups = ["evasion"]
action = "reject"
`;

let gateway: PolicyGateway;
beforeAll(async () => {
  gateway = await startPolicyGateway(
    [...cases.map((name) => read(name, "rules.toml")), EVASION].join("\n"),
  );
});
afterAll(() => gateway?.stop());

describe("the cases of tests/corpus", () => {
  test("are at least ten", () => {
    expect(cases.length).toBeGreaterThanOrEqual(10);
  });

  test.each(cases)("%s", async (name) => {
    const sends = JSON.parse(read(name, "expected.json")) as Expected[];
    for (const [index, expected] of sends.entries()) {
      const id = `${name}-${index}`;
      const mail = fillMail(read(name, "message.eml"), { id });
      const reply = await gateway.send({ from: "alice@example.com", to: expected.to, mail });
      expect([id, reply.code, reply.last]).toEqual([id, expected.reply, reply.last]);
      const fate: Record<string, string> = {};
      for (const address of expected.to) fate[address] = await gateway.fateOf(id, address);
      expect(fate).toEqual(expected.fate);
      for (const [address, content] of Object.entries(expected.content ?? {})) {
        const delivered = gateway.delivered(id, address);
        expect([address, contentOf(delivered, read(name, "message.eml"))]).toEqual([
          address,
          content,
        ]);
        expect(delivered).toContain("Please see the file.");
      }
      for (const [address, field] of Object.entries(expected.header ?? {})) {
        expect(gateway.delivered(id, address)).toContain(`\r\n${field}\r\n`);
      }
      for (const [address, mark] of Object.entries(expected.subject ?? {})) {
        expect(gateway.delivered(id, address)).toContain(`\r\nSubject: ${mark} ${id}`);
      }
      if (expected.log !== undefined) expect(gateway.log()).toContain(expected.log);
      for (const store of ["backup", "archive"] as const) {
        expect((await gateway.kept(store, id)) > 0).toBe(expected[store] === true);
      }
    }
  });
});

describe("a filter for *.exe", () => {
  const to = ["x@evasion.example"];
  const send = (id: string, parts: readonly string[]) =>
    gateway.send({ from: "alice@example.com", to, mail: disguisedMail(id, parts) });

  test.each(wrappers())("finds it in %s", async (what, parts) => {
    expect((await send(`wrapped-${what.replaceAll(" ", "-")}`, parts)).code).toBe(550);
  });

  test.each(nameTricks())("finds it under %s", async (what, parts) => {
    expect((await send(`named-${what.replaceAll(" ", "-")}`, parts)).code).toBe(550);
  });

  test("lets other files pass", async () => {
    const [, parts] = wrappers()[0] ?? [];
    const other = (parts ?? []).map((one) => one.replaceAll("evil.exe", "exe.txt"));
    expect((await send("not-filtered", other)).code).toBe(250);
  });
});

describe("exemptions", () => {
  const to = ["a@nobody.example"];
  const template = read("75-default", "message.eml");
  const send = (id: string) =>
    gateway.send({ from: "alice@example.com", to, mail: fillMail(template, { id }) });

  test("by content and by signature count at once, and end when they are removed", async () => {
    const sample = join(gateway.folder, "eicar.dat");
    writeFileSync(sample, policySamples()["eicar"] ?? "");
    for (const about of [
      ["--file", sample],
      ["--signature", "Gw.Test.EICAR", "--sender", "*@example.com"],
    ]) {
      const added = await gateway.gateway.command(
        ...["exempt", "add", ...about, "--until", "1d", "--reason", "test", "--owner", "eve"],
      );
      expect(added.stderr).toBe("");
      const number = /exemption (\d+) holds/.exec(added.stdout)?.[1] ?? "";
      // Objects are hashed only from the moment on that somebody wants it.
      let id = "";
      for (let n = 0; n < TRIES_MAX; n++) {
        id = `exempt-${number}-${n}`;
        expect((await send(id)).code).toBe(250);
        if ((await gateway.fateOf(id, to[0] ?? "")) === "delivered") break;
      }
      expect(await gateway.fateOf(id, to[0] ?? "")).toBe("delivered");
      const listed = await gateway.jsonOf("exempt", "list");
      expect(listed.find((one) => String(one.number) === number)?.uses).toBe(1);
      expect(gateway.log()).toMatch(new RegExp(`exempted .*id=\\w+ exemption=${number} owner=eve`));
      expect((await gateway.gateway.command("exempt", "remove", number)).code).toBe(0);
      expect((await send(`${id}-over`)).code).toBe(250);
      expect(await gateway.fateOf(`${id}-over`, to[0] ?? "")).toBe("quarantine");
    }
  });

  test.each([
    [["--signature", "X", "--until", "1d"], "--reason is needed"],
    [["--until", "1d", "--reason", "x"], "say what is exempt"],
    [["--signature", "X", "--reason", "x", "--until", "2001-01-01"], "is over already"],
    [["--hash", "12", "--reason", "x", "--until", "1d"], "64 hexadecimal digits"],
    [["--signature", "X", "--reason", "x", "--until", "1d", "--group", "evasio"], '"evasion"?'],
  ])("that can't be are refused: %j", async (options, error) => {
    const { code, stderr } = await gateway.gateway.command("exempt", "add", ...options);
    expect([code, stderr]).toEqual([2, expect.stringContaining(error)]);
  });
});

describe("gw why", () => {
  const why = async (word: string) => (await gateway.gateway.command("why", word)).stdout;

  test("tells of a connection that was refused", async () => {
    // The kernel decides whether the client's bytes or the greeting come first.
    for (let n = 0, code = 220; n < TRIES_MAX && code !== 554; n++) {
      const client = await LineClient.connect(gateway.port, "127.0.0.1", "EHLO too early\r\n");
      code = (await client.reply()).code;
      client.close();
    }
    expect(await why("127.0.0.1")).toContain("The connection of 127.0.0.1 was refused: 554");
  });

  test("tells of a recipient and a sender that were refused", async () => {
    const client = await LineClient.connect(gateway.port);
    await client.expect("220");
    await client.command("EHLO client.example", "250");
    await client.command("MAIL FROM:<bad address>", "5");
    await client.command("MAIL FROM:<alice@example.com>", "250");
    await client.command("RCPT TO:<b@@example.org>", "5");
    client.close();
    expect(await why("b@@example.org")).toMatch(/recipient b@@example\.org .* was refused: 55/);
    expect(await why("bad address")).toMatch(/sender <bad address> of 127\.0\.0\.1 .*refused: 5/);
  });

  test("tells of a blocked virus, a split message and copies", async () => {
    const split = await why("<70-three-groups-0@example.com>");
    expect(split).toContain('Group three open (open@three.example): the rule infected = "deliver"');
    expect(split).toContain('infected = "block" fired, so it was accepted and delivered to nobody');
    expect(split).toMatch(/so it was kept in quarantine as \w+.*It is in the quarantine still\./);
    expect(split).toContain("open@three.example: delivered by");
    expect(split).toMatch(/a\.dat \(\w+\) is infected: Gw\.Test\.EICAR/);
    expect(await why("a@backup.example")).toMatch(/A copy was kept in the backup as \w+\./);
  });

  test("tells of a delivery that failed", async () => {
    const mail = fillMail(read("74-archive", "message.eml"), { id: "why-failed" });
    await gateway.send({ from: "alice@example.com", to: ["nobody@failing.example"], mail });
    const isFailed = async () => (await why("nobody@failing.example")).includes(": failed by");
    for (let n = 0; n < TRIES_MAX && !(await isFailed()); n++);
    expect(await why("nobody@failing.example")).toContain("550 5.1.1 no");
  });

  test("of nothing it knows says so", async () => {
    const { code, stderr } = await gateway.gateway.command("why", "unheard-of@example.org");
    expect([code, stderr]).toEqual([1, expect.stringContaining("nothing is known")]);
  });
});

test("gw simulate tells what would be done, by another configuration too, and does nothing", async () => {
  const file = join(gateway.folder, "simulated.eml");
  writeFileSync(file, fillMail(read("70-three-groups", "message.eml"), { id: "simulated" }));
  const to = "open@three.example,blocked@three.example,kept@three.example,x@y.example";
  const { code, stdout } = await gateway.gateway.command(
    ...["simulate", file, "--from", "alice@example.com", "--to", to, "--json"],
  );
  expect(code).toBe(0);
  const shares = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(shares.map((one) => [one.group, one.action])).toEqual([
    ["three open", "deliver"],
    ["three blocked", "block"],
    ["three kept", "quarantine"],
    ["default", "quarantine"],
  ]);
  expect((await gateway.jsonOf("why", "simulated@example.com")).length).toBe(0);
});

// Who knows which recipients there are: a directory, the next hop, and the memory of their answers.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Callout } from "../../../src/inbound/access/recipients/callout.ts";
import {
  Directory,
  type Finding,
  type RecipientSource,
} from "../../../src/inbound/access/recipients/directory.ts";
import { LdapSource } from "../../../src/inbound/access/recipients/ldap.ts";
import { MailHosts } from "../../../src/outbound/mail-hosts.ts";
import { MemoryLog } from "../../harness/inbound.ts";
import { type NextHopScript, NextHopServer } from "../../harness/next-hop.ts";
import { freePort } from "../../harness/process.ts";
import { HAS_SLAPD, SEARCHER, type Slapd, startSlapd } from "../../harness/slapd.ts";

describe("Callout", () => {
  let hop: NextHopServer;
  beforeEach(async () => {
    hop = await NextHopServer.start();
  });
  afterEach(() => hop.stop());

  function callout(port = hop.port, timeoutMs = 2000): Callout {
    const nextHop = () => ({ kind: "host", host: "127.0.0.1", port }) as const;
    const options = { mxPort: 25, isLoopbackMxAllowed: true, random: () => 0 };
    const hosts = new MailHosts(undefined as never, options);
    return new Callout({ nextHop, hosts, hostname: "gw.example.org", timeoutMs });
  }

  const HANG = { act: "hang" } as const;
  const DROP = { act: "drop" } as const;
  // What is said of the mailbox itself is an answer; all else is none.
  test.each<[string, NextHopScript, Finding["kind"]]>([
    ["a good reply to RCPT", {}, "known"],
    ["550 5.1.1 to RCPT", { rcpt: "550 5.1.1 no such user" }, "unknown"],
    ["553 to RCPT", { rcpt: "553 no" }, "unknown"],
    ["several lines", { rcpt: "550-5.1.1 no\r\n550 5.1.1 really" }, "unknown"],
    ["550 5.7.1 to RCPT", { rcpt: "550 5.7.1 you may not" }, "trouble"],
    ["451 to RCPT", { rcpt: "451 4.7.1 greylisted" }, "trouble"],
    ["550 to MAIL", { mail: "550 no null sender here" }, "trouble"],
    ["554 in the greeting", { greeting: "554 go away" }, "trouble"],
    ["502 to EHLO", { ehlo: "502 what?" }, "trouble"],
    ["421 to RCPT", { rcpt: "421 bye" }, "trouble"],
    ["a hang", { rcpt: HANG }, "trouble"],
    ["a lost connection", { rcpt: DROP }, "trouble"],
    ["nonsense", { rcpt: "hello\r\nworld" }, "trouble"],
    ["an endless reply", { ehlo: `250-${"x".repeat(40_000)}` }, "trouble"],
  ])("find() understands %s", async (_, script, expected) => {
    hop.script = script;
    expect((await callout(hop.port, 300).find("b@example.org")).kind).toBe(expected);
  });

  test("asks with the null sender, and sends no message", async () => {
    await callout().find("b@example.org");
    expect(hop.lines.slice(0, 3)).toEqual([
      "EHLO gw.example.org",
      "MAIL FROM:<>",
      "RCPT TO:<b@example.org>",
    ]);
    expect(hop.messages).toEqual([]);
  });

  test("a port where nobody listens is trouble", async () => {
    expect((await callout(freePort()).find("b@example.org")).kind).toBe("trouble");
  });

  test("many questions at one time wait for each other", async () => {
    const one = callout();
    const all = Array.from({ length: 100 }, (_, at) => one.find(`r${at}@example.org`));
    expect((await Promise.all(all)).every(({ kind }) => kind === "known")).toBe(true);
  });
});

describe("Directory", () => {
  let now = 0;
  const clock = { now: () => now, steady: () => now };

  function directory(answers: readonly Finding["kind"][], isTroubleAccepted = false) {
    const asked: string[] = [];
    const sources = answers.map((kind, at): RecipientSource => {
      const name = `source ${at}`;
      const find = (address: string) => {
        asked.push(`${at} ${address}`);
        return Promise.resolve({ kind, why: name });
      };
      return { name, isQuick: false, find };
    });
    const settings = { knownMs: 1000, unknownMs: 100, isTroubleAccepted };
    return { asked, directory: new Directory(sources, settings, { clock, log: new MemoryLog() }) };
  }

  test.each<[readonly Finding["kind"][], Finding["kind"]]>([
    [["known"], "known"],
    [["unknown"], "unknown"],
    [["unknown", "known"], "known"],
    [["trouble", "known"], "known"],
    [["unknown", "trouble"], "trouble"],
    [["trouble", "unknown"], "trouble"],
  ])("sources that say %p come to %p", async (answers, expected) => {
    expect((await directory(answers).directory.find("b@x")).kind).toBe(expected);
  });

  test("trouble may be taken for a yes, but for nothing else", async () => {
    expect((await directory(["trouble"], true).directory.find("b@x")).kind).toBe("known");
    expect((await directory(["unknown"], true).directory.find("b@x")).kind).toBe("unknown");
  });

  test("answers are believed for their time, and asked for once at a time", async () => {
    const { asked, directory: one } = directory(["unknown"]);
    await Promise.all([one.find("b@x"), one.find("b@x")]);
    expect(asked).toEqual(["0 b@x"]);
    now += 99;
    await one.find("b@x");
    expect(asked.length).toBe(1);
    now += 2;
    await one.find("b@x");
    expect(asked.length).toBe(2);
  });

  test("a source that throws is trouble", async () => {
    const find = () => Promise.reject(new Error("lost"));
    const source = { name: "broken", isQuick: false, find };
    const settings = { knownMs: 1, unknownMs: 1, isTroubleAccepted: false };
    const log = new MemoryLog();
    const one = new Directory([source], settings, { clock, log });
    expect(await one.find("b@x")).toEqual({ kind: "trouble", why: "broken: lost" });
    expect(log.lines.map(({ event }) => event)).toEqual(["recipient-not-verified"]);
  });
});

describe.if(HAS_SLAPD)("LdapSource", () => {
  let server: Slapd | undefined;
  beforeAll(async () => {
    const password = "secret";
    server = await startSlapd([
      { uid: "ann", mails: ["ann@example.org", "a.smith@example.org"], password },
      { uid: "bob", mails: ["both@example.org"], password },
      { uid: "eve", mails: ["both@example.org"], password },
    ]);
  });
  afterAll(() => server?.stop());

  function source(bindPassword: string = SEARCHER.password): LdapSource {
    return new LdapSource({
      url: server?.url ?? "",
      isStartTls: false,
      base: "dc=example,dc=org",
      filter: "(mail={address})",
      bindDn: SEARCHER.dn,
      bindPassword,
      timeoutMs: 5000,
    });
  }

  test.each<[string, Finding["kind"]]>([
    ["ann@example.org", "known"],
    ["a.smith@example.org", "known"],
    ["both@example.org", "known"],
    ["nobody@example.org", "unknown"],
    ["*@example.org", "unknown"],
    ["x)(mail=*", "unknown"],
  ])("find(%p) is %p", async (address, expected) => {
    const one = source();
    expect((await one.find(address)).kind).toBe(expected);
    one.close();
  });

  test("a wrong password is trouble, not an absence", async () => {
    await expect(source("wrong").find("ann@example.org")).rejects.toThrow();
  });
});

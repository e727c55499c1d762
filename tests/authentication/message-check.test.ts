import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { checkMessage } from "../../src/authentication/message-check.ts";
import type { Authentication } from "../../src/message.ts";
import { addressRecord, FakeDns, RCODE, reply } from "../harness/fake-dns.ts";
import { Signer, textRecord } from "../harness/signed-mail.ts";
import { checkParts } from "./parts.ts";

const CORPUS = process.env["GW_CORPUS"] ?? "../shared/corpus";
const FOLDER = `${CORPUS}/smtp/mail-auth`;
// The day on which most of the messages there were sent.
const THEN = new Date(1_667_843_664_000);
const CLIENT = { address: "192.0.2.1", helo: "mail.example.net", sender: "a@example.net" };

let dns: FakeDns;
beforeEach(async () => {
  dns = await FakeDns.start();
});
afterEach(() => dns.stop());

async function check(text: string, options: Parameters<typeof checkParts>[1] = {}) {
  const parts = checkParts(dns, options);
  const body = { kind: "bytes", bytes: Buffer.from(text, "latin1") } as const;
  const checked = await checkMessage({ ...CLIENT, body }, parts);
  parts.deadline.clear();
  return checked;
}

function words({ dkim, arc }: Authentication): string {
  const signatures = dkim.map(({ result, domain, selector }) => `${result} ${selector} ${domain}`);
  return `${signatures.join(", ")}; arc ${arc.result} ${arc.domain}`.trim();
}

describe("messages of the mail-auth library", () => {
  // The first lines of each are the keys, then comes the message.
  test.each([
    ["dkim/001", "pass brisbane football.example.com, pass test football.example.com; arc none"],
    ["dkim/002", "pass newengland example.com; arc none"],
    ["dkim/003", "pass ietf1 ietf.org, pass ietf1 ietf.org; arc none"],
    ["dkim/004", "pass s1024-2013-q3 facebookmail.com; arc none"],
    ["dkim/005", "pass sysmsg-1 topicbox.com; arc none"],
    ["dkim/006", "pass dk2016 github.com; arc none"],
    // The author's signature was broken by the list, which signed and sealed what it made of it.
    [
      "arc/001",
      "pass ietf1 ietf.org, pass ietf1 ietf.org, fail velikisrpan22 stalw.art; arc pass google.com",
    ],
    ["arc/002", "pass rsa manchego.org; arc pass manchego.org"],
  ])("%s is found to be what it is", async (name, expected) => {
    const path = `${FOLDER}/${name}.txt`;
    if (!existsSync(path)) return expect(existsSync(path)).toBe(false);
    const [zone = "", ...rest] = readFileSync(path, "utf8").split("\n\n");
    for (const line of zone.split("\n")) {
      const [key = "", ...record] = line.split(" ");
      dns.zone[key.toLowerCase()] = [textRecord(key, record.join(" "))];
    }
    const message = rest.join("\n\n").replace(/\r?\n/g, "\r\n");
    const { authentication } = await check(Buffer.from(message).toString("latin1"), { now: THEN });
    expect(words(authentication)).toBe(expected);
  });
});

const SIGNER = new Signer();
const BODY = "From: A <a@example.net>\r\nSubject: hello\r\n\r\nbody\r\n";

function signed(text = BODY, domain = "example.net"): Promise<string> {
  return SIGNER.sign(text, domain);
}

function publish(policy = "reject", domain = "example.net"): void {
  SIGNER.publish(dns.zone, domain, { policy, spf: "nothing of SPF" });
}

function checks({ spf, dkim, dmarc }: Authentication): string {
  return [spf, ...dkim, dmarc].map(({ result }) => result).join(" ");
}

test("a signature of the author's domain passes, and with it DMARC", async () => {
  publish("quarantine");
  const { authentication, isForged } = await check(await signed());
  expect(checks(authentication)).toBe("none pass pass");
  expect(authentication.dmarc).toEqual({
    result: "pass",
    domain: "example.net",
    policy: "quarantine",
  });
  expect(isForged).toBe(false);
});

test("SPF of the author's domain passes DMARC without a signature", async () => {
  publish();
  dns.zone["example.net"] = [textRecord("example.net", "v=spf1 a -all")].concat([
    addressRecord("example.net", "192.0.2.1"),
  ]);
  expect(checks((await check(BODY)).authentication)).toBe("pass pass");
  dns.zone["example.net"] = [textRecord("example.net", "v=spf1 -all")];
  expect(checks((await check(BODY)).authentication)).toBe("fail fail");
});

test("a signature of somebody else passes, and DMARC fails", async () => {
  publish();
  publish("none", "example.com");
  const { authentication } = await check(await signed(BODY, "example.com"));
  expect(checks(authentication)).toBe("none pass fail");
  expect(authentication.dmarc.policy).toBe("reject");
});

test.each([
  ["another body", (text: string) => text.replace("\r\nbody", "\r\nB0dy")],
  ["another subject", (text: string) => text.replace("hello", "hallo")],
])("a signature does not pass for %s", async (_, change) => {
  publish();
  expect(checks((await check(change(await signed()))).authentication)).toBe("none fail fail");
});

test("who can't be told is no author: DMARC is permerror", async () => {
  publish();
  for (const from of ["", "From: a@example.net, b@example.com\r\n", BODY.slice(0, 25) + BODY]) {
    const { authentication } = await check(`${from}Subject: x\r\n\r\nbody\r\n`);
    expect(authentication.dmarc.result).toBe("permerror");
  }
});

test("DNS trouble is temperror, never a failure of the sender", async () => {
  publish();
  const message = await signed();
  dns.trick = ({ packet }) => [reply(packet, RCODE.servfail)];
  expect(checks((await check(message)).authentication)).toBe("temperror temperror temperror");
});

test("a DNS server that says nothing costs no more than the time a check may take", async () => {
  publish();
  const message = await signed();
  dns.trick = () => [];
  const { authentication } = await check(message, { timeoutMs: 150 });
  expect(authentication.dmarc.result).toBe("temperror");
});

test("of very many signatures only the first ones are looked at", async () => {
  publish();
  const [signature = ""] = /^.*?\r\n(?=\S)/s.exec(await signed()) ?? [];
  const { authentication } = await check(signature.repeat(300) + BODY);
  expect(authentication.dkim.length).toBe(10);
});

test("a header without an end, and one of very many fields, is permerror and held for forged", async () => {
  for (const text of [`X: ${"y".repeat(2 ** 20)}`, `${"X: y\r\n".repeat(6000)}\r\nbody`]) {
    const { authentication, isForged } = await check(text);
    expect(authentication.dmarc.result).toBe("permerror");
    expect(isForged).toBe(true);
  }
});

test("fields in the name of this host are told", async () => {
  const forged = "Authentication-Results: gw.example.org; dkim=pass\r\n";
  expect((await check(forged + BODY)).isForged).toBe(true);
  expect((await check(forged.replace("gw.", "mx.") + BODY)).isForged).toBe(false);
});

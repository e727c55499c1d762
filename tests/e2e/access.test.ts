// Access rules through the compiled gateway, with a DNS server and a next hop of the test's own.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { addressRecord, FakeDns, mxRecord, RCODE, reply } from "../harness/fake-dns.ts";
import { LineClient, type LineReply } from "../harness/line-client.ts";
import { type PolicyGateway, startPolicyGateway } from "../harness/policy-gateway.ts";
import { until } from "../harness/process.ts";
import { textRecord } from "../harness/signed-mail.ts";

// The client is 127.0.0.1; what DNS says of that address is the test's choice.
const REVERSE = "1.0.0.127.in-addr.arpa";

let dns: FakeDns;
let gateway: PolicyGateway;

async function start(settings: Record<string, string | number | boolean | readonly string[]>) {
  dns = await FakeDns.start();
  gateway = await startPolicyGateway("", {
    settings: {
      "inbound.relay_networks": [],
      "inbound.relay_domains": ["example.com"],
      "dns.servers": [`127.0.0.1:${dns.endpoint.port}`],
      "dns.timeout": "300ms",
      ...settings,
    },
  });
}

async function stop() {
  await gateway?.stop();
  await dns?.stop();
}

// Answers of DNS are remembered over a reload; a gateway that begins knows none.
async function forget() {
  await gateway.gateway.stop();
  await gateway.gateway.start();
}

/** The reply to RCPT. */
async function rcpt(to: string, { from = "a@sender.example", helo = "client.example" } = {}) {
  const client = await LineClient.connect(gateway.port);
  try {
    await client.expect("220");
    await client.command(`EHLO ${helo}`, "250");
    await client.command(`MAIL FROM:<${from}>`, "250");
    return await client.command(`RCPT TO:<${to}>`);
  } finally {
    client.close();
  }
}

const short = ({ last }: LineReply) => last.slice(0, 9);

describe("rules of the session", () => {
  beforeAll(async () => {
    await start({
      "access.relay_rules": [
        "deny from any to secret@example.com",
        "allow from 127.0.0.1 to *@partner.example",
      ],
      "access.connect_rules": [
        "allow from in_dnsbl to abuse@example.com",
        "deny from in_dnsbl to *",
        "defer from no_name to named@example.com",
        "deny from unconfirmed_name to confirmed@example.com",
        "tag from no_name to *",
      ],
      "access.dns_lists": ["bl.test=127.0.0.2", "half.test*2", "white.test*-3"],
      "access.dns_lists_from": 2,
      "access.helo_rules": [
        "deny from no_ip to helo@example.com",
        "deny from diff_ip to same@example.com",
      ],
      "access.mailfrom_rules": [
        "deny from no_ip,no_mx to *",
        "deny from spf_fail to *",
        "defer from null_sender to people@example.com",
      ],
    });
    dns.zone["sender.example"] = [mxRecord("sender.example", 1, "mx.sender.example")];
    dns.zone["client.example"] = [addressRecord("client.example", "127.0.0.1")];
    dns.zone["other.example"] = [addressRecord("other.example", "192.0.2.1")];
    dns.zone["null.example"] = [mxRecord("null.example", 0, ".")];
    dns.zone["empty.example"] = [];
    dns.zone["strict.example"] = [
      textRecord("strict.example", "v=spf1 -all"),
      mxRecord("strict.example", 1, "mx.sender.example"),
    ];
  });
  afterAll(stop);

  test.each([
    ["b@example.com", {}, "250 2.1.5"],
    // Relay rules: what they say comes before networks and domains.
    ["secret@example.com", {}, "550 5.7.1"],
    ["b@partner.example", {}, "250 2.1.5"],
    ["b%elsewhere.example@partner.example", {}, "550 5.7.1"],
    ["b@elsewhere.example", {}, "550 5.7.1"],
    // The client has no name in DNS.
    ["named@example.com", {}, "451 4.7.1"],
    ["confirmed@example.com", {}, "550 5.7.1"],
    // The name in EHLO.
    ["helo@example.com", { helo: "nowhere.example" }, "550 5.7.1"],
    ["helo@example.com", { helo: "[192.0.2.9]" }, "250 2.1.5"],
    ["same@example.com", { helo: "other.example" }, "550 5.7.1"],
    ["same@example.com", { helo: "[127.0.0.1]" }, "250 2.1.5"],
    ["same@example.com", {}, "250 2.1.5"],
    // The sender's domain.
    ["b@example.com", { from: "a@nowhere.example" }, "550 5.1.8"],
    ["b@example.com", { from: "a@empty.example" }, "550 5.1.8"],
    ["b@example.com", { from: "a@null.example" }, "550 5.1.8"],
    ["b@example.com", { from: "a@other.example" }, "250 2.1.5"],
    ["b@example.com", { from: "a@strict.example" }, "550 5.1.8"],
    ["b@example.com", { from: "" }, "250 2.1.5"],
    ["people@example.com", { from: "" }, "451 4.7.1"],
  ])("RCPT TO:<%s> %p gets %s", async (to, options, expected) => {
    expect(short(await rcpt(to, options))).toBe(expected);
  });

  test("lists are weighed, and only answers that mean a listing count", async () => {
    const entry = (zone: string, address: string) => {
      dns.zone[`1.0.0.127.${zone}`] = [addressRecord(`1.0.0.127.${zone}`, address, 0)];
    };
    const replies = async () => {
      await forget();
      return short(await rcpt("b@example.com"));
    };
    entry("bl.test", "127.0.0.2");
    expect(await replies()).toBe("250 2.1.5");
    entry("half.test", "127.0.0.4");
    expect(await replies()).toBe("550 5.7.1");
    expect(short(await rcpt("abuse@example.com"))).toBe("250 2.1.5");
    entry("white.test", "127.0.0.2");
    expect(await replies()).toBe("250 2.1.5");
    entry("white.test", "127.255.255.254");
    expect(await replies()).toBe("550 5.7.1");
    entry("half.test", "192.0.2.1");
    expect(await replies()).toBe("250 2.1.5");
    for (const zone of ["bl.test", "half.test", "white.test"]) delete dns.zone[`1.0.0.127.${zone}`];
    expect(await replies()).toBe("250 2.1.5");
  });

  test("a name that leads back to the client confirms it", async () => {
    dns.zone[REVERSE] = [{ name: REVERSE, type: "PTR", ttl: 0, data: "client.example" }];
    await forget();
    expect(short(await rcpt("confirmed@example.com"))).toBe("250 2.1.5");
    dns.zone[REVERSE] = [{ name: REVERSE, type: "PTR", ttl: 0, data: "other.example" }];
    await forget();
    expect(short(await rcpt("confirmed@example.com"))).toBe("550 5.7.1");
    expect(short(await rcpt("named@example.com"))).toBe("250 2.1.5");
    delete dns.zone[REVERSE];
    await forget();
  });

  test("DNS that does not answer makes deny a deferral, never a refusal", async () => {
    dns.trick = ({ packet }) => [reply(packet, RCODE.servfail)];
    await forget();
    expect(short(await rcpt("b@example.com"))).toBe("451 4.4.3");
    expect(short(await rcpt("b@example.com", { from: "" }))).toBe("250 2.1.5");
    dns.trick = () => undefined;
    await forget();
    expect(short(await rcpt("b@example.com"))).toBe("250 2.1.5");
  });

  test("a client that goes while it is asked about disturbs nobody", async () => {
    dns.trick = () => [];
    await forget();
    for (let at = 0; at < 20; at++) {
      const client = await LineClient.connect(gateway.port);
      client.send("EHLO client.example\r\nMAIL FROM:<a@sender.example>\r\n");
      client.send("RCPT TO:<b@example.com>\r\nRCPT TO:<c@example.com>\r\nDATA\r\n");
      client.close();
    }
    expect(short(await rcpt("b@example.com"))).toBe("451 4.4.3");
    dns.trick = () => undefined;
    await forget();
    expect(short(await rcpt("b@example.com"))).toBe("250 2.1.5");
    expect(gateway.log()).not.toContain("uncaught");
  });

  test("a tag is a header field, and gw why tells rules and reasons", async () => {
    const mail = "Message-ID: <tag@example.com>\r\nSubject: tag\r\n\r\nHello.";
    const sent = await gateway.send({ from: "a@sender.example", to: ["b@example.com"], mail });
    expect(sent.code).toBe(250);
    expect(await gateway.fateOf("tag", "b@example.com")).toBe("delivered");
    expect(gateway.delivered("tag", "b@example.com")).toContain("\r\nX-Gw-Tag: no_name\r\n");
    const why = async (word: string) => (await gateway.gateway.command("why", word)).stdout;
    expect(await why("tag@example.com")).toContain("Rules tagged it: no_name.");
    expect(await why("a@strict.example")).toContain(
      'access.mailfrom_rules "deny from spf_fail to *": SPF of strict.example is fail',
    );
  });
});

describe("greylisting", () => {
  beforeAll(async () => {
    await start({
      "access.mailfrom_rules": ["greylist from any to *"],
      "access.greylist_delay": "1s",
      "access.greylist_passes": 2,
    });
  });
  afterAll(stop);

  const passes = async (to: string, from = "a@sender.example") =>
    short(await rcpt(to, { from })) === "250 2.1.5";

  test("who comes again is let in, and remembered; a client that passes twice is known", async () => {
    expect(short(await rcpt("b@example.com"))).toBe("451 4.7.1");
    expect(short(await rcpt("b@example.com"))).toBe("451 4.7.1");
    expect(await until(() => passes("b@example.com"), 10_000)).toBe(true);
    expect(await passes("b@example.com")).toBe(true);
    // The number in the sender's address is another one each time.
    expect(await passes("c@example.com", "list-17@sender.example")).toBe(false);
    await gateway.gateway.stop();
    await gateway.gateway.start();
    const again = () => passes("c@example.com", "list-99@sender.example");
    expect(await until(again, 10_000)).toBe(true);
    expect(await passes("d@example.com", "never@seen.example")).toBe(true);
  });
});

describe("recipients of a list", () => {
  let list = "";
  beforeAll(async () => {
    dns = await FakeDns.start();
    gateway = await startPolicyGateway("", {
      settings: { "inbound.relay_domains": ["example.com"] },
    });
    list = join(gateway.folder, "recipients");
    writeFileSync(list, "b@example.com\n*@lists.example\n");
  });
  afterAll(stop);

  test("only those in it are taken, and a changed list counts at once", async () => {
    const lines = `\n[access]\nrecipients_file = ${JSON.stringify(list)}\n`;
    await appendTo(gateway.gateway.configFile, lines);
    expect((await gateway.gateway.command("reload")).code).toBe(0);
    expect(short(await rcpt("B@Example.com"))).toBe("250 2.1.5");
    expect(short(await rcpt("c@example.com"))).toBe("550 5.1.1");
    expect(short(await rcpt("postmaster@example.com"))).toBe("250 2.1.5");
    // Not the site's own domain: nobody here knows its recipients.
    expect(short(await rcpt("x@elsewhere.example"))).toBe("250 2.1.5");
    writeFileSync(list, "b@example.com\nc@example.com\n");
    const isTaken = async () => short(await rcpt("c@example.com")) === "250 2.1.5";
    expect(await until(isTaken, 10_000)).toBe(true);
  });
});

async function appendTo(file: string, text: string): Promise<void> {
  await Bun.write(file, (await Bun.file(file).text()) + text);
}

describe("recipients that the next hop knows", () => {
  beforeAll(() => start({ "access.recipients_callout": true }));
  afterAll(stop);

  test("a definite no of the next hop is ours", async () => {
    expect(short(await rcpt("b@example.com"))).toBe("250 2.1.5");
    expect(short(await rcpt("nobody@example.com"))).toBe("550 5.1.1");
    const { stdout } = await gateway.gateway.command("why", "nobody@example.com");
    expect(stdout).toContain("the next hop says: 550 5.1.1 no");
  });
});

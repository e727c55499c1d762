// Who mail is from, through the compiled gateway: checks, their field, and rules about them.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { FakeDns, RCODE, reply } from "../harness/fake-dns.ts";
import { type PolicyGateway, startPolicyGateway } from "../harness/policy-gateway.ts";
import { Signer } from "../harness/signed-mail.ts";

const RULES = [
  "allow from dmarc_reject to lenient@example.com",
  "deny from dmarc_reject to *",
  "quarantine from dmarc_quarantine to *",
  "tag from dkim_fail,dmarc_none to *",
  "defer from dmarc_temperror to *",
];
const SIGNER = new Signer();

let dns: FakeDns;
let gateway: PolicyGateway;

beforeAll(async () => {
  dns = await FakeDns.start();
  SIGNER.publish(dns.zone, "strict.example");
  SIGNER.publish(dns.zone, "careful.example", { policy: "quarantine" });
  SIGNER.publish(dns.zone, "plain.example");
  dns.zone["_dmarc.plain.example"] = [];
  gateway = await startPolicyGateway("", {
    settings: {
      "inbound.relay_networks": [],
      "inbound.relay_domains": ["example.com"],
      "dns.servers": [`127.0.0.1:${dns.endpoint.port}`],
      "dns.timeout": "500ms",
      "authentication.check": true,
      "authentication.rules": RULES,
    },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await dns?.stop();
});

function mailFrom(domain: string, id: string): string {
  const header = `From: <a@${domain}>\r\nMessage-ID: <${id}@example.com>\r\nSubject: ${id}\r\n`;
  return `${header}\r\nHello.`;
}

async function send(mail: string, to = ["b@example.com"]) {
  return await gateway.send({ from: "a@other.example", to, mail });
}

test("what the checks say stands above the trace, and no other byte is touched", async () => {
  const mail = await SIGNER.sign(mailFrom("strict.example", "good"), "strict.example");
  expect((await send(mail)).code).toBe(250);
  expect(await gateway.fateOf("good", "b@example.com")).toBe("delivered");
  const got = gateway.delivered("good", "b@example.com");
  expect(got).toStartWith(
    "Authentication-Results: gw.example.net;\r\n\tspf=none smtp.mailfrom=other.example;\r\n" +
      "\tdkim=pass header.d=strict.example header.s=s;\r\n" +
      "\tdmarc=pass (p=reject) header.from=strict.example\r\nReceived: ",
  );
  expect(got).toEndWith(`${mail}\r\n`);
});

test("fields in this host's name are taken out, those of others stay", async () => {
  const other = "Authentication-Results: mx.other.example; spf=fail\r\n";
  const forged = "Authentication-Results: gw.example.net;\r\n dkim=pass\r\nX-Gw-Tag: forged\r\n";
  const mail = await SIGNER.sign(mailFrom("strict.example", "forged"), "strict.example");
  expect((await send(forged + other + mail)).code).toBe(250);
  expect(await gateway.fateOf("forged", "b@example.com")).toBe("delivered");
  const got = gateway.delivered("forged", "b@example.com");
  expect(got).toEndWith(`\r\n${other}${mail}\r\n`);
  expect(got).not.toContain("X-Gw-Tag: forged");
  expect(got.match(/^Authentication-Results: gw/gm)?.length).toBe(1);
});

test("mail that its author's domain disowns is refused, and gw why says by which rule", async () => {
  const { code, last } = await send(mailFrom("strict.example", "spoof"));
  expect(code).toBe(550);
  expect(last).toContain("5.7.26");
  const { stdout } = await gateway.gateway.command("why", "spoof@example.com");
  expect(stdout).toContain('DMARC fail (strict.example), whose owner asks for "reject"');
  expect(stdout).toContain('authentication.rules "deny from dmarc_reject to *"');
});

test("the first rule that fits a recipient counts; who can't be refused alone is kept", async () => {
  const to = ["lenient@example.com", "b@example.com"];
  expect((await send(mailFrom("strict.example", "split"), to)).code).toBe(250);
  expect(await gateway.fateOf("split", "lenient@example.com")).toBe("delivered");
  expect(await gateway.fateOf("split", "b@example.com")).toBe("quarantine");
});

test("a rule may keep, and a rule may tag", async () => {
  expect((await send(mailFrom("careful.example", "kept"))).code).toBe(250);
  expect(await gateway.fateOf("kept", "b@example.com")).toBe("quarantine");
  const mail = await SIGNER.sign(mailFrom("plain.example", "tagged"), "plain.example");
  expect((await send(mail.replace("Hello", "Hallo"))).code).toBe(250);
  expect(await gateway.fateOf("tagged", "b@example.com")).toBe("delivered");
  const got = gateway.delivered("tagged", "b@example.com");
  expect(got).toContain("\r\nX-Gw-Tag: dkim_fail dmarc_none\r\n");
});

test("DNS trouble is not held against the sender, but a rule may wait for its end", async () => {
  dns.trick = ({ packet }) => [reply(packet, RCODE.servfail)];
  const { code, last } = await send(mailFrom("silent.example", "trouble"));
  dns.trick = () => undefined;
  expect(code).toBe(451);
  expect(last).toContain("4.7.1");
});

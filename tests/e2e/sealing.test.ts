// Signatures for what gw changed, through the compiled binary; mailauth verifies them with keys from
// a DNS of the test. Needs `npm run build` before (`npm test` does it).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dkimSign } from "mailauth/lib/dkim/sign.js";
import { base64Lines } from "../harness/encode.ts";
import { FakeDns } from "../harness/fake-dns.ts";
import { type PolicyGateway, startPolicyGateway } from "../harness/policy-gateway.ts";
import { until } from "../harness/process.ts";
import { eicarFile } from "../harness/sample-mail.ts";

const INSIDE = "127.0.0.2";
const OUTSIDE = "127.0.0.1";
const SETTLE_MS = 30_000;

const folder = mkdtempSync(join(tmpdir(), "gw-sealing-"));
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const edwards = generateKeyPairSync("ed25519");
const pemOf = (key: KeyObject) => String(key.export({ type: "pkcs8", format: "pem" }));
const rsaRecord = rsa.publicKey.export({ type: "spki", format: "der" }).toString("base64");
const edwardsRecord = edwards.publicKey.export({ type: "spki", format: "der" }).subarray(-32);

const fileOf = (name: string, content: string) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const RULES = `
[[group]]
name = "changed"
to = ["*@changed.example"]
infected = "deliver"
infected_object = "remove"

[[group]]
name = "marked"
to = ["*@marked.example"]
header = ["X-Mark: yes"]

[[signing]]
domain = "here.example"
selector = "rsa"
key = "${fileOf("rsa.pem", pemOf(rsa.privateKey))}"

[[signing]]
domain = "gw.example"
selector = "ed"
key = "${fileOf("ed.pem", pemOf(edwards.privateKey))}"
dkim = false
arc = true
`;

let gateway: PolicyGateway;
let dns: FakeDns;
beforeAll(async () => {
  const text = (name: string, data: string) => ({ name, type: "TXT" as const, ttl: 300, data });
  dns = await FakeDns.start({
    "rsa._domainkey.here.example": [
      text("rsa._domainkey.here.example", `v=DKIM1; k=rsa; p=${rsaRecord}`),
    ],
    "ed._domainkey.gw.example": [
      text("ed._domainkey.gw.example", `v=DKIM1; k=ed25519; p=${edwardsRecord.toString("base64")}`),
    ],
  });
  const settings = {
    "inbound.relay_networks": [`${INSIDE}/32`],
    "inbound.relay_domains": ["changed.example", "marked.example", "plain.example"],
  };
  gateway = await startPolicyGateway(RULES, { settings });
});
afterAll(async () => {
  await gateway?.stop();
  await dns?.stop();
  rmSync(folder, { recursive: true });
});

function mailOf(id: string, from: string, content: string | Buffer = eicarFile()): string {
  return [
    `From: Someone <${from}>`,
    "To: bob@changed.example",
    `Subject: ${id}`,
    `Message-ID: <${id}@example.com>`,
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="next"',
    "",
    "--next",
    "Content-Type: text/plain",
    "",
    "Please see the file.",
    "--next",
    'Content-Type: application/octet-stream; name="a.dat"',
    "Content-Transfer-Encoding: base64",
    "",
    base64Lines(content),
    "--next--",
    "",
  ].join("\r\n");
}

interface Verified {
  readonly dkim: { readonly results: readonly { signingDomain?: string; status: Status }[] };
  readonly arc: { readonly status: Status; readonly i?: number };
}
interface Status {
  readonly result: string;
}

// What a receiver behind gw finds.
async function verified(message: string): Promise<Verified> {
  const { authenticate } = (await import("mailauth")) as unknown as {
    authenticate(message: Buffer, options: object): Promise<Verified>;
  };
  // The resolver of the test's own DNS: gw never asks anyone else here.
  const resolver = async (name: string, type: string) => {
    const found = dns.zone[name]?.filter((one) => one.type === type) ?? [];
    if (found.length === 0) throw Object.assign(new Error(name), { code: "ENOTFOUND" });
    return found.map((one) => [String(one.data)]);
  };
  return await authenticate(Buffer.from(message, "latin1"), {
    ...{ resolver, ip: OUTSIDE, helo: "x.example", sender: "a@x.example", mta: "behind.example" },
    disableBimi: true,
  });
}

async function relayed(id: string, options: { from: string; client: string; mail?: string }) {
  const { from, client, mail = mailOf(id, from) } = options;
  const to = [`${id}@changed.example`];
  expect((await gateway.send({ from, to, mail, client })).code).toBe(250);
  const arrived = () => gateway.delivered(id, to[0] ?? "") !== "";
  expect(await until(arrived, SETTLE_MS)).toBe(true);
  return gateway.delivered(id, to[0] ?? "");
}

const passes = ({ dkim }: Verified) =>
  dkim.results.filter(({ status }) => status.result === "pass").map((one) => one.signingDomain);

test("a changed message of the site's own is signed and sealed, and both hold", async () => {
  const message = await relayed("own", { from: "alice@here.example", client: INSIDE });
  expect(message).not.toContain("a.dat");
  const result = await verified(message);
  expect(passes(result)).toEqual(["here.example"]);
  expect(result.arc.status.result).toBe("pass");
  expect(gateway.log()).toMatch(/DKIM-signed by here\.example \(rsa\); ARC-sealed by gw\.example/);
});

test("a forged one from outside is sealed, and never signed in the name of the domain", async () => {
  const message = await relayed("forged", { from: "alice@here.example", client: OUTSIDE });
  const result = await verified(message);
  expect(message).not.toMatch(/^DKIM-Signature:/im);
  expect(result.arc.status.result).toBe("pass");
  expect(message).toMatch(/^ARC-Authentication-Results: i=1; gw\.example\.net; /m);
});

test("a message that is signed already loses that signature, and the log says so", async () => {
  const mail = mailOf("signed", "alice@here.example");
  const key = {
    signingDomain: "here.example",
    selector: "rsa",
    canonicalization: "relaxed/relaxed",
  };
  const { signatures } = await dkimSign(Buffer.from(mail), {
    ...{ strict: true, signTime: new Date() },
    signatureData: [{ ...key, privateKey: pemOf(rsa.privateKey) }],
  });
  expect(passes(await verified(signatures + mail))).toEqual(["here.example"]);
  const options = { from: "alice@here.example", client: INSIDE, mail: signatures + mail };
  const result = await verified(await relayed("signed", options));
  expect(result.dkim.results.map(({ status }) => status.result).sort()).toEqual([
    "neutral",
    "pass",
  ]);
  expect(gateway.log()).toContain("the DKIM signature of here.example does not hold any more");
});

test("mail that gw leaves as it is gets no signature and no other byte", async () => {
  for (const domain of ["plain.example", "marked.example"]) {
    const id = `untouched-${domain}`;
    const mail = mailOf(id, "alice@here.example", "nothing to see\n");
    const to = [`bob@${domain}`];
    await gateway.send({ from: "alice@here.example", to, mail, client: INSIDE });
    const delivered = () => gateway.delivered(id, to[0] ?? "");
    expect(await until(() => delivered() !== "", SETTLE_MS)).toBe(true);
    expect(delivered().endsWith(`${mail}\r\n`)).toBe(true);
    expect(delivered()).not.toMatch(/^(?:DKIM-Signature|ARC-Seal):/im);
  }
});

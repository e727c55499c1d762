// Reports on their way: a fake DNS says who wants them, a site takes them, a store has the mail.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { DAY_MS, HOUR_MS } from "../../../src/base/clock.ts";
import { MessageIds } from "../../../src/base/message-id.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { TlsReporter } from "../../../src/pipeline/tls/tls-reporter.ts";
import { readBody } from "../../../src/store/disk.ts";
import type { Store } from "../../../src/store/store.ts";
import { issueCertificate } from "../../harness/certificate.ts";
import { addressRecord, FakeDns, RCODE, reply } from "../../harness/fake-dns.ts";
import { textRecord } from "../../harness/signed-mail.ts";
import { cleanUp, KeptLog, ManualClock, openStore } from "../../store/samples.ts";

const SITE = "reports.example.org";
const folder = mkdtempSync(join(tmpdir(), "gw-tls-reports-"));
let authority = "";
let web: Server;
let webStatus = 201;
let posted: { type: string; body: Buffer }[] = [];
let dns: FakeDns;
let store: Store;
let clock: ManualClock;
let log: KeptLog;

beforeAll(async () => {
  const files = issueCertificate(folder, SITE);
  authority = readFileSync(files.authority, "utf8");
  const pair = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
  web = createServer(pair, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const type = request.headers["content-type"] ?? "";
      posted.push({ type, body: Buffer.concat(chunks) });
      response.writeHead(webStatus).end();
    });
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  web.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  [webStatus, posted, clock, log] = [201, [], new ManualClock(), new KeptLog()];
  dns = await FakeDns.start({ [SITE]: [addressRecord(SITE, "127.0.0.1")] });
  store = await openStore({ clock });
});
afterEach(async () => {
  await dns.stop();
  await cleanUp();
});

const yesterday = () => Math.floor(clock.now() / DAY_MS) - 1;

function count(domain: string, day = yesterday()): void {
  const policy = { kind: "no-policy-found", strings: [], hosts: [] };
  store.tls.add([{ day, domain, result: JSON.stringify({ domain, policy }), count: 2 }]);
}

function wants(domain: string, rua: string): void {
  const name = `_smtp._tls.${domain}`;
  dns.zone[name] = [textRecord(name, `v=TLSRPTv1; rua=${rua}`)];
}

function reporter(isOn = true, isTrusting = true): TlsReporter {
  const config = loadConfig(undefined, {
    "server.postmaster": "post@example.net",
    "dns.servers": [`127.0.0.1:${dns.endpoint.port}`],
    "dns.timeout": 300,
    "outbound.tls_reports": isOn,
  });
  return new TlsReporter({
    ...{ store, clock, log, hostname: "gw.example.net", config: () => config },
    ids: new MessageIds(clock, Math.random),
    ...(isTrusting && { trust: { ca: authority } }),
  });
}

const left = () => store.tls.before(yesterday() + 1, 100).map(({ domain }) => domain);

test("a domain that asks by mail gets one mail, which holds the report", async () => {
  count("example.org");
  count("example.org");
  count("silent.example");
  wants("example.org", "mailto:tls@example.org");
  await reporter().tend();
  expect(left()).toEqual([]);
  const [entry, ...more] = store.queue.due(clock.now(), 10, () => false).messages;
  expect(more).toEqual([]);
  expect(entry?.recipients.map(({ address }) => address)).toEqual(["tls@example.org"]);
  expect(entry?.record.envelope).toMatchObject({ sender: "", tags: ["tls_report"] });
  const text = Buffer.from(await readBody(entry?.body as never, 1e6)).toString();
  expect(text).toContain("TLS-Report-Domain: example.org\r\n");
  expect(text).toContain('report-type="tlsrpt"');
  const [, packed = ""] = /base64\r\n[\s\S]*?\r\n\r\n([\s\S]*?)\r\n--/.exec(text) ?? [];
  const report = JSON.parse(gunzipSync(Buffer.from(packed, "base64")).toString());
  expect(report).toMatchObject({
    "contact-info": "post@example.net",
    policies: [{ summary: { "total-successful-session-count": 4 } }],
  });
  await reporter().tend();
  expect(store.queue.counts().messages).toBe(1);
});

test("a domain that asks by HTTPS gets it there", async () => {
  count("example.org");
  wants("example.org", `https://${SITE}:${(web.address() as AddressInfo).port}/v1`);
  await reporter().tend();
  expect(posted.map(({ type }) => type)).toEqual(["application/tlsrpt+gzip"]);
  const report = JSON.parse(gunzipSync(posted[0]?.body ?? Buffer.alloc(0)).toString());
  expect(report).toMatchObject({ "organization-name": "gw.example.net" });
  expect(left()).toEqual([]);
});

test("what the site does not take is posted again an hour later, for three days", async () => {
  count("example.org");
  wants("example.org", `https://${SITE}:${(web.address() as AddressInfo).port}/v1`);
  webStatus = 503;
  const one = reporter();
  await one.tend();
  await one.tend();
  expect([posted.length, left()]).toEqual([1, ["example.org"]]);
  clock.advance(HOUR_MS + 1);
  await one.tend();
  expect([posted.length, log.events("warn")]).toEqual([
    2,
    ["tls-report-failed", "tls-report-failed"],
  ]);
  clock.advance(4 * DAY_MS);
  await one.tend();
  expect([posted.length, left()]).toEqual([2, []]);
});

test("hosts within the site are not posted to", async () => {
  count("example.org");
  wants("example.org", `https://${SITE}:${(web.address() as AddressInfo).port}/v1`);
  await reporter(true, false).tend();
  expect([posted.length, left()]).toEqual([0, ["example.org"]]);
});

test("the day that goes on is not reported, nor is any while reports are off", async () => {
  count("example.org", yesterday() + 1);
  wants("example.org", "mailto:tls@example.org");
  await reporter().tend();
  count("example.org");
  await reporter(false).tend();
  expect(store.queue.counts().messages).toBe(0);
});

test("while DNS does not answer nothing is forgotten", async () => {
  count("example.org");
  dns.trick = ({ packet }) => [reply(packet, RCODE.servfail)];
  await reporter().tend();
  expect(left()).toEqual(["example.org"]);
});

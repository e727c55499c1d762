// gw doctor: what it finds on a host where something is wrong, and what it says to do.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import { checkCertificates, checkClock } from "../../../src/cli/doctor/host.ts";
import { checkNames } from "../../../src/cli/doctor/names.ts";
import { checkStatus } from "../../../src/cli/doctor/running.ts";
import { run } from "../../../src/cli/program.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { Resolver } from "../../../src/dns/resolver.ts";
import { makeCertificate } from "../../harness/certificate.ts";
import { fakeTerminal } from "../fake-terminal.ts";

const DAY_MS = 86_400_000;
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-doctor-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// A configuration with a data folder of its own.
function configured(text = "", mode = 0o700) {
  const place = mkdtempSync(join(folder, "host-"));
  const data = join(place, "data");
  mkdirSync(data);
  chmodSync(data, mode);
  const file = join(place, "gw.toml");
  writeFileSync(file, `server.data_dir = "${data}"\nserver.hostname = "mx.example.org"\n${text}`);
  return { file, data, config: loadConfig(file) };
}

async function doctor(file: string) {
  const terminal = fakeTerminal();
  const code = await run(["doctor", "--skip-dns", "--json", "--config", file], terminal);
  const lines = terminal.printed.out.trim().split("\n");
  const findings = lines.map((line) => JSON.parse(line) as Finding);
  return { code, of: (about: string) => findings.filter((each) => each.about === about) };
}

test("gw doctor finds a host good that is", async () => {
  const { file } = configured('inbound.listen = ["127.0.0.1:0"]\n');
  const { code, of } = await doctor(file);
  expect(code).toBe(0);
  expect(of("permissions")[0]?.health).toBe("ok");
  expect(of("configuration")[0]?.text).toBe(file);
});

test("gw doctor fails for a data folder that others may read, and says what to do", async () => {
  const { file, data } = configured('inbound.listen = ["127.0.0.1:0"]\n', 0o755);
  const { code, of } = await doctor(file);
  expect(code).toBe(1);
  expect(of("permissions")[0]).toMatchObject({ health: "fail", remedy: `chmod 700 ${data}` });
});

test("gw doctor fails for a port that somebody else has", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const { file } = configured(`inbound.listen = ["127.0.0.1:${port}"]\n`);
  const { code, of } = await doctor(file);
  server.close();
  expect(code).toBe(1);
  expect(of("ports").map(({ text }) => text)).toContain(`127.0.0.1:${port} is taken`);
});

test("gw doctor shows lines for people, with what to do below", async () => {
  const { file, data } = configured('inbound.listen = ["127.0.0.1:0"]\n', 0o755);
  const terminal = fakeTerminal();
  await run(["doctor", "--skip-dns", "--config", file], terminal);
  expect(terminal.printed.out).toContain(`permissions   ${data} is open to others (mode 755)\n`);
  expect(terminal.printed.out).toContain(`-> chmod 700 ${data}\n`);
});

test("checkClock() fails for a clock before its time, and for one behind the mail", () => {
  const { config, data } = configured();
  expect(checkClock(config, Date.now()).health).toBe("ok");
  expect(checkClock(config, 0).health).toBe("fail");
  writeFileSync(join(data, "gw.db"), "");
  const later = Date.now() / 1000 + 3600;
  utimesSync(join(data, "gw.db"), later, later);
  expect(checkClock(config, Date.now())).toMatchObject({ about: "clock", health: "fail" });
});

test("checkCertificates() tells ends, names and keys that are wrong", () => {
  const { certificate, key } = makeCertificate(folder, "mx.example.org");
  const other = makeCertificate(folder, "other.example.org");
  const found = (files: { certificate: string; key: string }, now = Date.now()) => {
    const text = `inbound.tls_certificate = "${files.certificate}"\ninbound.tls_key = "${files.key}"\n`;
    return checkCertificates(configured(text).config, now)[0];
  };
  expect(found({ certificate, key })?.health).toBe("ok");
  expect(found({ certificate, key }, Date.now() + 20 * DAY_MS)?.health).toBe("warn");
  expect(found({ certificate, key }, Date.now() + 40 * DAY_MS)?.text).toContain("ended on");
  expect(found({ certificate, key: other.key })?.text).toContain("is not the key of");
  expect(found(other)?.text).toContain("is not for mx.example.org");
  expect(found({ certificate: "/none", key })?.health).toBe("fail");
  expect(checkCertificates(configured().config, Date.now())[0]?.health).toBe("warn");
});

test("checkNames() tells what DNS lacks, and what to publish", async () => {
  const found = <T>(...values: T[]) => Promise.resolve({ kind: "found", values });
  const zone = {
    addresses: () => found("192.0.2.1", "192.0.2.2"),
    names: (address: string) =>
      found(address === "192.0.2.1" ? "MX.example.org" : "dsl.example.net"),
    exchanges: (domain: string) =>
      domain === "example.org"
        ? found({ priority: 10, host: "mx.example.org" })
        : Promise.resolve({ kind: "noName" }),
  } as unknown as Resolver;
  const { config } = configured(
    'inbound.relay_domains = ["example.org", "example.com", "*.test"]\n',
  );
  const findings = await checkNames(config, zone);
  expect(findings.map(({ health }) => health)).toEqual(["ok", "ok", "warn", "ok", "warn"]);
  expect(findings[2]?.remedy).toBe("have its owner publish PTR mx.example.org.");
  expect(findings[4]?.remedy).toStartWith("publish: example.com. MX 10 mx.example.org.");
});

test("checkStatus() fails for pauses and for a gateway without signatures", () => {
  const status = {
    paused: ["send"],
    warnings: ["a is old"],
    signatures: { count: 0, identity: "" },
  };
  const health = checkStatus(status as never).map((each) => each.health);
  expect(health).toEqual(["fail", "fail", "warn"]);
  expect(checkStatus(undefined)).toEqual([]);
});

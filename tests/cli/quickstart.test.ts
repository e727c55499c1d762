// `gw quickstart --domain …`: the configuration of a first gateway.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { loadCertificate } from "../../src/inbound/tls/certificate.ts";
import { emptyFolder, gw } from "./mail-folder.ts";

const { folder, remove } = emptyFolder();
afterAll(remove);

const HOP = ["--next-hop", "192.0.2.10"];
const NAME = ["--hostname", "mx1.example.org"];

describe("gw quickstart --domain", () => {
  test.each([
    ["an address", "192.0.2.10", "[192.0.2.10]:25"],
    ["an address with a port", "192.0.2.10:2525", "[192.0.2.10]:2525"],
    ["an IPv6 address", "[2001:db8::1]:26", "[2001:db8::1]:26"],
    ["a name, which is that host and not who its MX records name", "b.test", "[b.test]:25"],
    ["a name with a port", "b.test:2525", "[b.test]:2525"],
    ["a socket", "unix:/run/lmtp", "unix:/run/lmtp"],
  ])("writes a configuration that is good, with %s as the next hop", async (_, hop, written) => {
    const dir = join(folder, `site-${written.replaceAll(/\W/g, "-")}`);
    const domains = ["--domain", "example.org, *.example.org,Example.NET"];
    const listen = ["--listen", "127.0.0.1:2599"];
    const made = await gw("quickstart", ...domains, "--next-hop", hop, "--dir", dir, ...listen);
    expect(made.code).toBe(0);
    const file = join(dir, "gw.toml");
    const config = loadConfig(file);
    expect(config["inbound.listen"]).toEqual(["127.0.0.1:2599"]);
    expect(config["inbound.relay_domains"]).toEqual([
      "example.org",
      "*.example.org",
      "example.net",
    ]);
    expect(config["outbound.routes"]).toContain(`*.example.org ${written}`);
    expect(config["server.data_dir"]).toBe(join(dir, "data"));
    expect((await gw("config", "check", file)).code).toBe(0);
  });

  test("tells what it did, what DNS has to say, and what to type next", async () => {
    const dir = join(folder, "told");
    const { out } = await gw(
      "quickstart",
      "--domain",
      "example.org",
      ...HOP,
      ...NAME,
      "--dir",
      dir,
    );
    for (const line of [
      `wrote ${dir}/gw.toml`,
      "  example.org. MX 10 mx1.example.org.",
      '  example.org. TXT "v=spf1 mx ~all"',
      '  _dmarc.example.org. TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.org"',
      `  gw doctor --config ${dir}/gw.toml`,
    ]) {
      expect(out).toContain(`${line}\n`);
    }
  });

  test("tells the same to programs", async () => {
    const dir = join(folder, "json");
    const words = ["--domain", "*.example.org", ...HOP, ...NAME, "--dir", dir, "--json"];
    const facts = JSON.parse((await gw("quickstart", ...words)).out);
    expect(facts).toMatchObject({
      configFile: join(dir, "gw.toml"),
      domains: ["*.example.org"],
      nextHop: "[192.0.2.10]:25",
      // Nobody can publish anything for a mask.
      records: ["mx1.example.org. A <address of this host>"],
    });
  });

  test("gives what it makes the right modes, whatever the umask", async () => {
    const dir = join(folder, "modes");
    for (const umask of [0o000, 0o077]) {
      const site = join(dir, `of-${umask}`, "below");
      const before = process.umask(umask);
      await gw("quickstart", "--domain", "example.org", ...HOP, "--dir", site);
      process.umask(before);
      // The service's user has to find what root has made.
      const isRoot = process.geteuid?.() === 0;
      const modeOf = (path: string) => statSync(path).mode & 0o777;
      for (const path of [site, join(site, "..")])
        expect(modeOf(path)).toBe(isRoot ? 0o755 : 0o700);
      expect(modeOf(join(site, "gw.toml"))).toBe(isRoot ? 0o644 : 0o600);
      const data = join(site, "data");
      if (existsSync(data)) expect(modeOf(data)).toBe(0o700);
    }
  });

  test("makes a key and a certificate for the host, and says how to replace them", async () => {
    const dir = join(folder, "tls");
    const words = ["--domain", "example.org", ...HOP, ...NAME, "--dir", dir, "--tls"];
    const before = process.umask(0o000);
    const { out } = await gw("quickstart", ...words);
    process.umask(before);
    const config = loadConfig(join(dir, "gw.toml"));
    const certificate = config["inbound.tls_certificate"];
    const key = config["inbound.tls_key"];
    expect([certificate, key]).toEqual([join(dir, "tls.pem"), join(dir, "tls.key")]);
    expect(loadCertificate({ certificate, key }).names).toEqual(["mx1.example.org"]);
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(out).toMatch(/wrote \S+tls\.pem, self-signed for mx1\.example\.org until \d{4}-/);
    expect(out).toContain(`put its chain into ${certificate}, its key into ${key}`);
  });

  test.each(["tls.key", "tls.pem"])("leaves a %s that is there as it is", async (name) => {
    const dir = join(folder, `with-${name}`);
    mkdirSync(dir);
    writeFileSync(join(dir, name), "precious");
    const words = ["--domain", "example.org", ...HOP, "--dir", dir, "--tls"];
    await expect(gw("quickstart", ...words)).rejects.toThrow(`${dir}/${name} is there already`);
    expect(readdirSync(dir)).toEqual([name]);
    expect(readFileSync(join(dir, name), "utf8")).toBe("precious");
  });

  test("overwrites nothing", async () => {
    const dir = join(folder, "there");
    const words = ["quickstart", "--domain", "example.org", ...HOP, "--dir", dir];
    await gw(...words);
    const before = readFileSync(join(dir, "gw.toml"), "utf8");
    await expect(gw(...words, "--listen", "127.0.0.1:2600")).rejects.toThrow(
      `${dir}/gw.toml is there already, and left as it is`,
    );
    expect(readFileSync(join(dir, "gw.toml"), "utf8")).toBe(before);
  });

  test("leaves a data folder as it is", async () => {
    const dir = join(folder, "mail");
    mkdirSync(join(dir, "data"), { recursive: true, mode: 0o750 });
    const { out } = await gw("quickstart", "--domain", "example.org", ...HOP, "--dir", dir);
    expect(out).toContain(`left the folder ${dir}/data as it is: it was there already\n`);
    expect(statSync(join(dir, "data")).mode & 0o777).toBe(0o750);
  });

  test("takes its files back if what is in gw.d does not go with it", async () => {
    const dir = join(folder, "included");
    mkdirSync(join(dir, "gw.d"), { recursive: true });
    writeFileSync(join(dir, "gw.d/a.toml"), "[inbound]\nlisten = 25\n");
    const words = ["quickstart", "--domain", "example.org", ...HOP, "--dir", dir, "--tls"];
    await expect(gw(...words)).rejects.toThrow(`${dir}/gw.d/a.toml:2:`);
    expect(readdirSync(dir)).toEqual(["gw.d"]);
  });

  test.each([
    ["no next hop", ["--domain", "a.test"], "--domain needs --next-hop too"],
    ["no domains", ["--domain", ",", ...HOP], "name a domain such as example.org"],
    ["all domains", ["--domain", "a.test,*", ...HOP], "an open relay"],
    ["what is no domain", ["--domain", "a@b.test", ...HOP], '"a@b.test" is no domain'],
    ["what is no host", ["--domain", "a.test", "--next-hop", "a b"], '"a b" is no host such as'],
    ["port 0", ["--domain", "a.test", "--next-hop", "b.test:0"], '"b.test:0" is no host such as'],
    ["no address", ["--domain", "a.test", ...HOP, "--listen", "25"], '"25" is no address and port'],
    ["half a name", ["--domain", "a.test", ...HOP, "--hostname", "mx"], '"mx" is no full name'],
    ["itself", ["--domain", "a.test", "--next-hop", "127.0.0.1"], "mail would go round"],
    ["a certificate alone", ["--tls"], "--tls goes with --domain LIST"],
    ["a next hop alone", HOP, "--next-hop goes with --domain LIST"],
    ["the trial's folder", ["--domain", "a.test", "--data", "x"], "with --domain it is --dir DIR"],
    ["the trial's next hop", ["--domain", "a.test", "--sink", "x"], "it is --next-hop HOST"],
  ])("refuses %s, and makes nothing", async (_, words, message) => {
    const dir = join(folder, "refused");
    const more = words[0] === "--domain" ? ["--dir", dir] : [];
    await expect(gw("quickstart", ...words, ...more)).rejects.toThrow(message);
    expect(existsSync(dir)).toBe(false);
  });

  test("says what is in the way of its files", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const words = ["--domain", "example.org", ...HOP, "--dir", join(file, "x")];
    await expect(gw("quickstart", ...words)).rejects.toThrow(`cannot make ${file}/x/gw.toml: `);
  });
});

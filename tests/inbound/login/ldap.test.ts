// Users in a directory: against OpenLDAP's own server where it is installed.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { escapeFilter, LdapDirectory } from "../../../src/inbound/login/ldap.ts";
import { freePort } from "../../harness/process.ts";

const SLAPD = "/usr/sbin/slapd";
const SCHEMAS = "/etc/ldap/schema";
const ATTEMPTS_MAX = 200;
const hasServer = existsSync(SLAPD) && existsSync(`${SCHEMAS}/core.schema`);

test.each([
  ["ann", "ann"],
  ["a*(b)\\c", "a\\2a\\28b\\29\\5cc"],
  ["\0", "\\00"],
  ["ü", "\\c3\\bc"],
])("escapeFilter(%j) is %j", (text, expected) => {
  expect(escapeFilter(text)).toBe(expected);
});

test("a directory that cannot be reached is no answer", async () => {
  const port = freePort();
  await expect(directoryAt(port).check("ann", "secret")).rejects.toThrow();
});

function directoryAt(port: number, change: { readonly bindPassword?: string } = {}) {
  return new LdapDirectory({
    url: `ldap://127.0.0.1:${port}`,
    isStartTls: false,
    bindDn: "cn=gw,dc=example,dc=org",
    bindPassword: "searcher",
    base: "dc=example,dc=org",
    filter: "(|(uid={user})(mail={user}))",
    addressAttribute: "mail",
    timeoutMs: 5000,
    ...change,
  });
}

describe.if(hasServer)("slapd", () => {
  let folder = "";
  let port = 0;
  let server: Bun.Subprocess | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "gw-slapd-"));
    port = freePort();
    mkdirSync(join(folder, "data"));
    const config = [
      ...["core", "cosine", "inetorgperson"].map((each) => `include ${SCHEMAS}/${each}.schema`),
      "modulepath /usr/lib/ldap",
      "moduleload back_mdb",
      `pidfile ${folder}/pid`,
      "database mdb",
      "suffix dc=example,dc=org",
      "rootdn cn=gw,dc=example,dc=org",
      "rootpw searcher",
      `directory ${folder}/data`,
    ];
    writeFileSync(join(folder, "slapd.conf"), `${config.join("\n")}\n`);
    const person = (uid: string, mail: string, password: string) =>
      `dn: uid=${uid},dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: ${uid}\n` +
      `cn: ${uid}\nsn: ${uid}\nmail: ${mail}\nmail: alias-${mail}\nuserPassword: ${password}\n`;
    const entries = [
      "dn: dc=example,dc=org\nobjectClass: domain\ndc: example\n",
      person("ann", "ann@example.org", "secret"),
      person("bob", "twice@example.org", "secret"),
      person("eve", "twice@example.org", "secret"),
    ];
    writeFileSync(join(folder, "entries.ldif"), entries.join("\n"));
    const added = Bun.spawnSync(
      ["/usr/sbin/slapadd", "-f", join(folder, "slapd.conf"), "-l", join(folder, "entries.ldif")],
      { stderr: "pipe" },
    );
    if (added.exitCode !== 0) throw new Error(added.stderr.toString());
    const address = `ldap://127.0.0.1:${port}/`;
    server = Bun.spawn([SLAPD, "-d", "0", "-f", join(folder, "slapd.conf"), "-h", address], {
      stderr: "ignore",
      stdout: "ignore",
    });
    // The first attempts find nobody listening.
    for (let attempt = 1; ; attempt++) {
      try {
        await directoryAt(port).check("nobody", "x");
        break;
      } catch (error) {
        if (attempt === ATTEMPTS_MAX) throw error;
        await Bun.sleep(20);
      }
    }
  });
  afterAll(async () => {
    server?.kill();
    await server?.exited;
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ["ann", "secret", true],
    ["ann@example.org", "secret", true],
    ["ann", "wrong", false],
    ["ann", "", false],
    ["nobody", "secret", false],
    // A name is a name, not a filter.
    ["*", "secret", false],
    ["a*", "secret", false],
    ["ann)(uid=*", "secret", false],
    // Two entries: nobody can tell which is meant.
    ["twice@example.org", "secret", false],
  ])("check(%j, %j) finds somebody: %p", async (name, password, expected) => {
    const identity = await directoryAt(port).check(name, password);
    expect(identity !== undefined).toBe(expected);
    if (!expected) return;
    expect(identity?.addresses).toEqual(["ann@example.org", "alias-ann@example.org"]);
  });

  test("gw's own wrong password is no answer about the user", async () => {
    const directory = directoryAt(port, { bindPassword: "wrong" });
    await expect(directory.check("ann", "secret")).rejects.toThrow();
  });
});

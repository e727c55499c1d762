// Directories over TLS: users who log in and recipients that are verified, against OpenLDAP's own server
// where it is installed.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LdapSource } from "../../../src/inbound/access/recipients/ldap.ts";
import { trustedBy } from "../../../src/inbound/ldap/ldap.ts";
import { LdapDirectory } from "../../../src/inbound/login/ldap.ts";
import { makeCertificate, type TestCertificate } from "../../harness/certificate.ts";
import { HAS_SLAPD, SEARCHER, type Slapd, startSlapd } from "../../harness/slapd.ts";

test("trustedBy() names the setting of a file that holds no certificate", () => {
  expect(trustedBy("login.ldap_ca", "")).toEqual({});
  expect(() => trustedBy("login.ldap_ca", "/nonexistent.pem")).toThrow("login.ldap_ca: ENOENT");
  expect(() => trustedBy("login.ldap_ca", "package.json")).toThrow(
    "login.ldap_ca: package.json holds no certificate (PEM)",
  );
});

describe.if(HAS_SLAPD)("slapd with TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "gw-ldap-tls-"));
  let server: Slapd;
  let own: TestCertificate;
  let other: TestCertificate;

  beforeAll(async () => {
    own = makeCertificate(folder, "localhost");
    other = makeCertificate(folder, "other.example.org");
    const ann = { uid: "ann", mails: ["ann@example.org"], password: "secret" };
    server = await startSlapd([ann], own);
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  const WAYS = [
    ["from the first byte on", false],
    ["by StartTLS", true],
  ] as const;

  function placeOf(isStartTls: boolean, trusted: TestCertificate | undefined) {
    return {
      // A certificate is for a name.
      url: isStartTls ? server.url.replace("127.0.0.1", "localhost") : server.secureUrl,
      ...{ isStartTls, bindDn: SEARCHER.dn, bindPassword: SEARCHER.password },
      ...{ base: "dc=example,dc=org", timeoutMs: 5000 },
      ...(trusted !== undefined && { ca: readFileSync(trusted.certificate, "utf8") }),
    };
  }

  function both(isStartTls: boolean, trusted: TestCertificate | undefined) {
    const place = placeOf(isStartTls, trusted);
    return {
      users: new LdapDirectory({ ...place, filter: "(uid={user})", addressAttribute: "mail" }),
      recipients: new LdapSource({ ...place, filter: "(mail={address})" }),
    };
  }

  test.each(WAYS)("%s, users and recipients are found", async (_, isStartTls) => {
    const { users, recipients } = both(isStartTls, own);
    expect(await users.check("ann", "secret")).toEqual({
      name: "ann",
      addresses: ["ann@example.org"],
    });
    expect(await users.check("ann", "wrong")).toBeUndefined();
    expect((await recipients.find("ann@example.org")).kind).toBe("known");
    expect((await recipients.find("bob@example.org")).kind).toBe("unknown");
    recipients.close();
  });

  test.each(WAYS)("%s, a server that nobody vouches for is told nothing", async (_, isStartTls) => {
    for (const trusted of [other, undefined]) {
      const { users, recipients } = both(isStartTls, trusted);
      await expect(users.check("ann", "secret")).rejects.toThrow();
      await expect(recipients.find("ann@example.org")).rejects.toThrow();
    }
  });
});

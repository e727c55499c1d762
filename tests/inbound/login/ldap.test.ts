// Users in a directory: against OpenLDAP's own server where it is installed.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { escapeFilter } from "../../../src/inbound/ldap/ldap.ts";
import { LdapDirectory } from "../../../src/inbound/login/ldap.ts";
import { freePort } from "../../harness/process.ts";
import { HAS_SLAPD, type Slapd, startSlapd } from "../../harness/slapd.ts";

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

describe.if(HAS_SLAPD)("slapd", () => {
  let server: Slapd | undefined;
  let port = 0;

  beforeAll(async () => {
    const password = "secret";
    const mailsOf = (mail: string) => [mail, `alias-${mail}`];
    server = await startSlapd([
      { uid: "ann", mails: mailsOf("ann@example.org"), password },
      { uid: "bob", mails: mailsOf("twice@example.org"), password },
      { uid: "eve", mails: mailsOf("twice@example.org"), password },
    ]);
    port = Number(new URL(server.url).port);
  });
  afterAll(() => server?.stop());

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

import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { convertMailscanner } from "../../../src/config/import/mailscanner/convert.ts";
import { masksOf } from "../../../src/config/import/mailscanner/masks.ts";
import { convertPostfix } from "../../../src/config/import/postfix/convert.ts";
import { expander, parseMainCf } from "../../../src/config/import/postfix/main-cf.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { emptyFolder, gw } from "../mail-folder.ts";

const { folder, remove } = emptyFolder();
afterAll(remove);

const MAIN_CF = [
  "# a site",
  "compatibility_level = 3.6",
  "myhostname = mx1.example.org",
  "mydomain = example.org",
  "mydestination = $myhostname, localhost.$mydomain, localhost, users.example.org",
  "mynetworks = 127.0.0.0/8 [::1]/128",
  "    192.0.2.0/24, 198.51.100.7",
  "relay_domains = $mydomain, .example.org, hash:/etc/postfix/relay",
  "transport_maps = hash:/etc/postfix/transport",
  "relayhost = [smart.example.net]:submission",
  "message_size_limit = 52428801",
  "smtpd_tls_cert_file = /etc/ssl/mx1.pem",
  "smtpd_tls_key_file = $smtpd_tls_cert_file",
  "smtpd_tls_security_level = may",
  "smtp_tls_security_level = encrypt",
  "smtpd_client_connection_count_limit = 0",
  "smtpd_recipient_limit = 50",
  "smtpd_timeout = ${stress?{10}:{400}}s",
  "minimal_backoff_time = 10m",
  "maximal_queue_lifetime = 1w",
  "inet_interfaces = loopback-only",
  "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination",
  "content_filter = scan:[127.0.0.1]:10024",
  "home_mailbox = Maildir/",
  "no_such_thing = 1",
  "",
].join("\n");
const TRANSPORT = [
  "# what goes where",
  "*                 smtp:[192.0.2.99]",
  ".example.org      relay:[192.0.2.10]:2525",
  "example.org       smtp:[192.0.2.10]",
  "boss@example.org  :[192.0.2.11]",
  "store.example.org lmtp:unix:/run/lmtp",
  "spam.example.org  error:5.7.1 no",
  "",
].join("\n");

describe("gw import postfix", () => {
  const file = join(folder, "main.cf");
  const to = join(folder, "postfix.toml");

  test("takes what gw has, and accounts for each parameter", async () => {
    writeFileSync(file, MAIN_CF);
    writeFileSync(join(folder, "transport"), TRANSPORT);
    writeFileSync(join(folder, "relay"), "partner.example OK\n");
    const { code, out } = await gw("import", "postfix", file, to, "--json");
    const items = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(items).toHaveLength(23);
    expect(items.filter(({ outcome }) => outcome === "unknown")).toMatchObject([
      { parameter: "no_such_thing" },
    ]);
    expect(code).toBe(1);
    expect((await gw("config", "check", to)).code).toBe(0);
    expect(loadConfig(to)).toMatchObject({
      "server.hostname": "mx1.example.org",
      "inbound.relay_networks": ["127.0.0.0/8", "::1/128", "192.0.2.0/24", "198.51.100.7/32"],
      "inbound.relay_domains": [
        "example.org",
        "*.example.org",
        "partner.example",
        "users.example.org",
      ],
      "inbound.message_size_max": 52428801,
      "inbound.tls_certificate": "/etc/ssl/mx1.pem",
      "inbound.tls_key": "/etc/ssl/mx1.pem",
      "inbound.idle_timeout": 400_000,
      "inbound.recipients_max": 100,
      "inbound.listen": ["127.0.0.1:25", "[::1]:25"],
      "queue.retry_min": 600_000,
      "queue.lifetime": 7 * 86_400_000,
      "outbound.tls": "required",
      "outbound.routes": [
        "boss@example.org [192.0.2.11]",
        "example.org [192.0.2.10]",
        "*.example.org [192.0.2.10]:2525",
        "* [192.0.2.99]",
        "* [smart.example.net]:587",
      ],
      route: [{ to: ["store.example.org"], hosts: ["unix:/run/lmtp"], protocol: "lmtp" }],
    });
    const transport = items.find(({ parameter }) => parameter === "transport_maps");
    expect(transport.note).toContain("not taken: spam.example.org error:5.7.1 no");
  });

  test("a table that is not there is told of", () => {
    const { report } = convertPostfix("transport_maps = hash:/nonexistent/t\n", file);
    expect(report.items[0]).toMatchObject({ outcome: "changed" });
    expect(report.items[0]?.note).toContain("/nonexistent/t can't be read");
  });

  test("networks with exceptions are not taken at all", () => {
    const { draft } = convertPostfix("mynetworks = !10.1.0.0/16, 10.0.0.0/8\n", file);
    expect(draft.tree()).toEqual({});
  });

  test("parameters that stand for each other in a circle end", () => {
    const entries = parseMainCf(`a = $b$b$b\nb = $a$a$a\n`);
    expect(expander(entries)("$a").length).toBeLessThan(100_001);
  });
});

describe("masksOf()", () => {
  test.each([
    ["\\.exe$", ["*.exe"]],
    ["^report\\.doc$", ["report.doc"]],
    ["\\.(exe|scr)$", ["*.exe", "*.scr"]],
    ["\\.jpe?g$", ["*.jpg", "*.jpeg"]],
    ["winmail", ["*winmail*"]],
    ["a.+b", ["*a?*b*"]],
    ["\\.[a-z]{3}$", undefined],
    ["\\s{10,}", undefined],
    ["(a|b)(c|d)(e|f)(g|h)(i|j)(k|l)", undefined],
  ])("%s", (expression, expected) => {
    expect(masksOf(expression)).toEqual(expected as string[]);
  });
});

describe("gw import mailscanner", () => {
  test("rules about names become filters, first match first", async () => {
    const file = join(folder, "filename.rules.conf");
    const to = join(folder, "filters.toml");
    const rules = [
      "# rules",
      "allow\t\\.txt\\.exe$\t-\t-",
      "deny\t\\.exe$\tWindows program\tno programs",
      "deny+delete\t\\.scr$\t-\t-",
      "deny\t\\.[a-z]{3}\\.[a-z]{3}$\tTwo extensions\t-",
      "rename\t\\.lnk$\t-\t-",
      "postmaster@example.org\t\\.pif$\t-\t-",
      "nonsense",
    ];
    writeFileSync(file, `${rules.join("\n")}\n`);
    const { code, out } = await gw("import", "mailscanner", file, to, "--json");
    expect(code).toBe(1);
    const outcomes = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).outcome);
    expect(outcomes).toEqual([
      "taken",
      "taken",
      "taken",
      "changed",
      "changed",
      "changed",
      "unknown",
    ]);
    expect(loadConfig(to).filter).toMatchObject([
      { names: ["*.exe"], names_except: ["*.txt.exe"], object: "placeholder" },
      { names: ["*.scr"], object: "remove" },
      { names: ["*.lnk"], object: "rename" },
    ]);
  });

  test("lists of addresses become groups that filters let pass, and that are scanned", () => {
    const { draft, report } = convertMailscanner(
      "From:\t*@partner.example\tyes\nFrom: a@partner.example yes\nFromOrTo: friend@x.example yes\n" +
        "From: 192.168. yes\nFrom: /regex/ yes\nFromOrTo:\tdefault\tno\n",
    );
    expect(draft.tree()).toEqual({
      group: [
        {
          name: "listed senders",
          from: ["*@partner.example", "friend@x.example"],
          filtered: "deliver",
        },
        { name: "listed recipients", to: ["friend@x.example"], filtered: "deliver" },
      ],
    });
    expect(report.items).toHaveLength(6);
    expect(report.items[3]?.note).toContain("not taken");
  });
});

test("the documentation speaks of each import", () => {
  const text = readFileSync("docs/migration.md", "utf8");
  for (const name of ["smtpgw", "postfix", "mailscanner"])
    expect(text).toContain(`gw import ${name}`);
});

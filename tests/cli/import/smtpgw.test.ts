import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sample } from "../../../src/config/describe.ts";
import { convertSmtpgw } from "../../../src/config/import/smtpgw/convert.ts";
import { isSmtpgw } from "../../../src/config/import/smtpgw/ini.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { emptyFolder, gw } from "../mail-folder.ts";

const { folder, remove } = emptyFolder();
afterAll(remove);
const OLD = join(import.meta.dir, "old");
const NEWER = join(OLD, "smtpgw-5.5.conf");
const OLDER = join(OLD, "smtpgw-5.0.conf");
let count = 0;
const target = () => join(folder, `${count++}.toml`);

const parametersOf = (text: string) => text.split("\n").filter((line) => /^\w+ *=/.test(line));

async function importJson(file: string, to: string) {
  const { code, out } = await gw("import", "smtpgw", file, to, "--json");
  return {
    code,
    items: out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  };
}

/** What becomes of a few parameters: `setting: value` and `parameter: outcome`. */
function convert(text: string) {
  const { draft, report } = convertSmtpgw(text);
  return { tree: draft.tree(), outcomes: report.items.map(({ outcome }) => outcome) };
}

describe.each([
  ["5.5", NEWER, 117],
  ["5.0", OLDER, 52],
])("a file of version %s", (_, file, size) => {
  test("is accounted for parameter by parameter, and nothing in it is unknown", async () => {
    const { code, items } = await importJson(file, target());
    const text = readFileSync(file, "utf8");
    const lines = text.split("\n");
    expect(items.length).toBe(parametersOf(text).length);
    expect(items.length).toBe(size);
    for (const { line, parameter, value, outcome } of items) {
      expect(lines[line - 1]).toContain(parameter.split(" ").at(-1));
      expect(lines[line - 1]).toEndWith(value);
      expect(["taken", "changed", "needless"]).toContain(outcome);
    }
    expect(code).toBe(0);
  });

  test("gives a file that passes gw config check and says what the old one says", async () => {
    const to = target();
    await importJson(file, to);
    expect((await gw("config", "check", to)).code).toBe(0);
    expect((await gw("config", "check", file)).code).toBe(0);
    expect(loadConfig(to)).toEqual(loadConfig(file));
    expect((await gw("config", "diff", file, to)).code).toBe(0);
  });

  test("gives only settings that differ from the defaults", async () => {
    const to = target();
    await importJson(file, to);
    const { out } = await gw("config", "diff", to, "--json");
    const settings =
      readFileSync(to, "utf8")
        .split("[[")[0]
        ?.match(/^\w+ = /gm) ?? [];
    const differing = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).key);
    expect(settings.length).toBe(differing.filter((key) => key.includes(".")).length);
  });

  test("is read as it is, and its mistakes have its lines", async () => {
    const bad = join(folder, "bad.conf");
    const text = readFileSync(file, "utf8");
    writeFileSync(bad, text.replace(/^IncomingSessions=.*/m, "IncomingSession=1"));
    const line = text.split("\n").findIndex((each) => each.startsWith("IncomingSessions=")) + 1;
    const { code, err } = await gw("config", "check", bad);
    expect(code).toBe(2);
    const expected = "[smtpgw.limits] IncomingSession: did you mean IncomingSessions?";
    expect(err).toBe(`${bad}:${line}:1: ${expected}\n`);
  });
});

describe("what becomes of parameters", () => {
  const policy = (lines: string) => convert(`[smtpgw.policy]\n${lines}\n`).tree;

  test.each([
    [
      "blocked",
      "BlockMessage=infected\nActionInfected=remove\nSaveInQB=none",
      { infected: "block" },
    ],
    [
      "blocked and saved",
      "BlockMessage=all\nSaveInQB=all",
      { filtered: undefined, disinfected: "quarantine" },
    ],
    [
      "removed and saved",
      "ActionInfected=remove\nSaveInQB=infected",
      { infected: "deliver", infected_object: "remove", backup: ["infected"] },
    ],
    ["let through", "ActionProtected=pass", { protected: "deliver", protected_object: undefined }],
    ["not checked", "Check=no", { check: false }],
    [
      "an error that is blocked",
      "BlockMessage=error\nSaveInQB=none",
      { damaged: "block", unscanned: undefined },
    ],
    [
      "an error that is let through",
      "ActionError=pass",
      { damaged: "deliver", unscanned: "deliver" },
    ],
  ])("%s", (_, lines, expected) => {
    const made = policy(lines)["policy"] as Record<string, unknown>;
    for (const [name, value] of Object.entries(expected)) expect(made[name]).toEqual(value);
  });

  test("a group has what differs from the policy, also where it takes something back", () => {
    const { tree } = convert(
      "[smtpgw.policy]\nActionInfected=remove\nBlockMessage=suspicious\nSaveInQB=none\n" +
        "[smtpgw.group:a b/c]\nRecipients=example.org, x@y.example\nActionInfected=pass\n",
    );
    expect(tree["group"]).toEqual([
      { name: "a b-c", to: ["*@example.org", "x@y.example"], infected_object: "pass" },
    ]);
  });

  test("a group that never matched is left out, and the report says why", () => {
    const { draft, report } = convertSmtpgw(
      "[smtpgw.group:all]\nRecipients=*\n[smtpgw.group:b]\nRecipients=b@example.org\n",
    );
    expect(draft.rowsOf("group")).toHaveLength(1);
    expect(report.items[1]).toMatchObject({
      outcome: "changed",
      parameter: "[smtpgw.group:b] Recipients",
    });
    expect(report.items[1]?.note).toContain("never matches");
  });

  test("a filter of one group does not take the others' filter away", () => {
    const { tree } = convert(
      "[smtpgw.policy]\nIncludeByName=*.exe\n[smtpgw.group:a]\nRecipients=a@x.example\n" +
        "ExcludeByName=ok.exe\n[smtpgw.group:b]\nRecipients=b@x.example\n",
    );
    expect(tree["filter"]).toEqual([
      { name: "by name", groups: ["default", "b"], names: ["*.exe"] },
      { name: "by name for a", groups: ["a"], names: ["*.exe"], names_except: ["ok.exe"] },
    ]);
  });

  const relay = (...rules: string[]) => {
    const text = `[smtpgw.access]\n${rules.map((rule) => `RelayRule=${rule}\n`).join("")}`;
    return convert(text).tree["inbound"] as Record<string, unknown> | undefined;
  };

  test.each([
    ["an open relay", ["allow from any to *"]],
    [
      "what a denial before it forbids, if that can't be said",
      ["deny from host.example to *", "allow from 10.0.0.0/8 to *"],
    ],
    [
      "what stands below a denial of everything",
      ["deny from any to *", "allow from 10.0.0.1 to *"],
    ],
    ["a network for some recipients only", ["allow from 10.0.0.0/8 to a@example.org"]],
    ["what is no rule", ["permit all"]],
  ])("gw never relays because of %s", (_, rules) => {
    expect(relay(...rules)).toBeUndefined();
  });

  const access = (text: string) =>
    convert(`[smtpgw.access]\n${text}`).tree["access"] as Record<string, unknown> | undefined;

  test("denials keep their place among the rules that relay", () => {
    const rules = [
      "RelayRule=deny from 10.1.0.0/255.255.0.0 to *",
      "RelayRule=allow from 10.0.0.0/8 to *",
      "RelayRule=allow from 192.0.2.1 to a@example.org",
      "RelayRule=allow from any to @example.org",
      "RelayRule=deny from any to *",
    ];
    expect(access(rules.join("\n"))).toEqual({
      relay_rules: [
        "deny from 10.1.0.0/16 to *",
        "allow from 10.0.0.0/8 to *",
        "allow from 192.0.2.1/32 to a@example.org",
        "allow from any to *@example.org",
      ],
    });
    expect(access("RelayRule=allow from 10.0.0.0/8 to *\n")).toBeUndefined();
  });

  test.each([
    [
      "ConnectRule=deny from in_dnsbl no_name to *",
      "connect_rules",
      "deny from in_dnsbl,no_name to *",
    ],
    ["HeloRule=deny from no_ip / diff_ip to any", "helo_rules", "deny from no_ip,diff_ip to *"],
    [
      "MailfromRule=allow from has_mx to @a.example",
      "mailfrom_rules",
      "allow from has_mx to *@a.example",
    ],
    ["DNSBlackList=bl.example.org", "dns_lists", "bl.example.org"],
    ["DenyUnresolvedConnect=yes", "connect_rules", "deny from no_name to *"],
    ["DenyUnresolvedMailfrom=yes", "mailfrom_rules", "deny from no_ip,no_mx to *"],
  ])("%s is kept in access.%s", (line, key, value) => {
    expect(access(`${line}\n`)).toEqual({ [key]: [value] });
  });

  test.each([
    ["10.1.2.3", "10.1.2.3/32"],
    ["10.1.*", "10.1.0.0/16"],
    ["10.1.0.0/255.255.0.0", "10.1.0.0/16"],
    ["2001:db8::1", "2001:db8::1/128"],
  ])("%s is the network %s", (there, here) => {
    expect(relay(`allow from ${there} to *`)).toEqual({ relay_networks: [here] });
  });

  test("limits that don't go together here are made to", () => {
    const { tree } = convert(
      "[smtpgw.limits]\nIncomingSessions=50\nMaximalIncomingMessageSize=204800\n",
    );
    expect(tree).toMatchObject({
      inbound: { sessions_max: 50, sessions_per_address_max: 50, message_size_max: "200MB" },
      scan: { object_size_max: "200MB" },
    });
  });

  test("what is given twice counts as it did: the last one", () => {
    const { tree, outcomes } = convert(
      "[smtpgw.limits]\nIncomingSessions=5\nincomingsessions=500\n",
    );
    expect(tree).toMatchObject({ inbound: { sessions_max: 500 } });
    expect(outcomes).toEqual(["needless", "taken"]);
  });

  test("mistakes, unknown names and unknown sections are told, with what was perhaps meant", async () => {
    const file = join(folder, "odd.conf");
    writeFileSync(file, "[smtpgw.network]\nListenOm=1\nHostname=a b\nnonsense\n[other]\nx=1\n");
    const { code, out, err } = await gw("import", "smtpgw", file, "--json");
    expect(code).toBe(1);
    expect(out).toContain("did you mean ListenOn?");
    expect(out).toContain('"outcome":"wrong"');
    expect(out).toContain("unknown section");
    expect(err).toContain(`${file}:4:1: neither [section] nor name=value`);
  });
});

describe("texts", () => {
  test("are carried over where gw understands them, and told of where not", async () => {
    const to = target();
    const texts = join(folder, "texts");
    await Bun.write(join(texts, "placeholder.tmpl"), "%OBJECT% was taken out: %VIRUS%\n");
    await Bun.write(join(texts, "notify.tmpl"), "%NO_SUCH_MACRO%\n");
    await Bun.write(join(texts, "disclaimer.tmpl"), "Checked by %HOSTNAME%\n");
    const { out } = await gw("import", "smtpgw", OLDER, to, "--templates", texts);
    expect(out).toMatch(/notify\.tmpl.*changed in meaning.*NO_SUCH_MACRO/);
    const config = loadConfig(to);
    expect(config["policy.templates_dir"]).toBe(join(folder, "templates"));
    expect(config["policy.disclaimer"]).toBe(join(folder, "templates/disclaimer.tmpl"));
    expect(existsSync(join(folder, "templates/placeholder.tmpl"))).toBe(true);
    expect(existsSync(join(folder, "templates/notice-admin.tmpl"))).toBe(false);
  });
});

describe("gw import smtpgw", () => {
  test("never writes over a file, and takes no other format", async () => {
    const to = target();
    writeFileSync(to, "mine");
    await expect(gw("import", "smtpgw", NEWER, to)).rejects.toThrow("is there already");
    expect(readFileSync(to, "utf8")).toBe("mine");
    await expect(gw("import", "smtpgw", to)).rejects.toThrow("no smtpgw.conf");
    expect(isSmtpgw(sample())).toBe(false);
  });
});

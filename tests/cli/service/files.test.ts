// Start scripts: what they say, and that a person's changes to them survive.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../../src/cli/program.ts";
import { detectKind, filesOf, stateOf } from "../../../src/cli/service/files.ts";
import { KINDS, quoted, type Site } from "../../../src/cli/service/site.ts";
import { fakeTerminal } from "../fake-terminal.ts";

const SITE: Site = {
  binary: "/opt/g w/gw",
  config: "/etc/gw/gw.toml",
  user: "gw",
  dataDir: "/srv/mail$1/100%",
  pidFile: "/var/run/gw/gw.pid",
  logFile: "/var/log/gw/gw.log",
  writable: ["/var/control"],
  ownKey: "",
};

let folder = "";
let root = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-service-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function newRoot(): string {
  root = mkdtempSync(join(folder, "root-"));
  mkdirSync(join(root, "etc/gw"), { recursive: true });
  writeFileSync(join(root, "etc/passwd"), "gw:x:995:994::/var/lib/gw:/bin/false\n");
  writeFileSync(join(root, "etc/gw/gw.toml"), '[server]\nuser = "gw"\n');
  return root;
}

async function service(...words: string[]) {
  const terminal = fakeTerminal();
  const place = ["--root", root, "--binary", "/usr/bin/gw"];
  const code = await run(["service", ...words, ...place], terminal);
  return { code, out: terminal.printed.out };
}

const textOf = (kind: (typeof KINDS)[number]) => filesOf(kind, SITE).at(-1)?.text ?? "";

describe("start scripts", () => {
  test.each(KINDS.filter((kind) => kind !== "systemd"))("%s is right to a shell", (kind) => {
    const file = join(folder, kind);
    writeFileSync(file, textOf(kind));
    const { exitCode, stderr } = Bun.spawnSync(["sh", "-n", file], { stderr: "pipe" });
    expect(stderr.toString()).toBe("");
    expect(exitCode).toBe(0);
  });

  test.each(KINDS)("%s names the program, the configuration and the user", (kind) => {
    for (const each of [/\/opt\/g w\/gw/, /\/etc\/gw\/gw\.toml/, /gw/]) {
      expect(textOf(kind)).toMatch(each);
    }
  });

  test.each(KINDS)("%s takes away what could run other code in gw's place", (kind) => {
    for (const name of ["BUN_OPTIONS", "BUN_BE_BUN"]) expect(textOf(kind)).toContain(name);
  });

  test("the unit gives the right to open low ports only, and doubles what systemd would expand", () => {
    const unit = textOf("systemd");
    expect(unit).toContain("CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n");
    expect(unit).toContain('ReadWritePaths=-"/srv/mail$1/100%%"\n');
    expect(unit).toContain('ExecStart="/opt/g w/gw" serve');
  });

  test("the SysV script has the verbs of the old control script", () => {
    for (const verb of [
      "stats",
      "recv-off",
      "recv-on",
      "avir-off",
      "avir-on",
      "send-off",
      "send-on",
    ]) {
      expect(textOf("sysv")).toContain(`    ${verb}) `);
    }
  });

  test("quoted() makes one word of whatever it gets", () => {
    const { stdout } = Bun.spawnSync(["sh", "-c", `printf %s ${quoted("a 'b' $c `d`")}`]);
    expect(stdout.toString()).toBe("a 'b' $c `d`");
  });
});

describe("gw service", () => {
  test.each(KINDS)("installs, tells and removes %s", async (kind) => {
    newRoot();
    const [file] = filesOf(kind, SITE).slice(-1);
    const path = join(root, file?.path ?? "");
    expect((await service("status", "--kind", kind)).code).toBe(1);
    expect((await service("install", "--kind", kind)).out).toContain(`write ${path}\n`);
    expect(statSync(path).mode & 0o777).toBe(kind === "systemd" ? 0o644 : 0o755);
    expect((await service("status", "--kind", kind)).out).toContain(`${path}  current\n`);
    expect((await service("install", "--kind", kind)).out).toContain("nothing to do");
    expect((await service("remove", "--kind", kind)).out).toContain(`remove ${path}\n`);
    expect((await service("status", "--kind", kind)).out).toContain(`${path}  missing\n`);
  });

  test("shows and does nothing with --dry-run", async () => {
    newRoot();
    const { out } = await service("install", "--kind", "sysv", "--dry-run");
    expect(out).toContain(`would write ${join(root, "etc/init.d/gw")}\n`);
    expect((await service("status", "--kind", "sysv")).out).toContain("missing");
  });

  test("gives the key that root's quickstart made to the user, and no other key", async () => {
    for (const name of ["tls.key", "other.key"]) {
      newRoot();
      const file = join(root, "etc/gw", name);
      writeFileSync(file, "key", { mode: 0o600 });
      const tls = `tls_certificate = "/etc/gw/tls.pem"\ntls_key = "/etc/gw/${name}"`;
      writeFileSync(join(root, "etc/gw/gw.toml"), `[inbound]\n${tls}\n`);
      const { out } = await service("install", "--kind", "systemd");
      // Only what root made has to be given away.
      const isGiven = process.geteuid?.() === 0 && name === "tls.key";
      expect(out.includes(`give ${file} to gw\n`)).toBe(isGiven);
      const { uid, mode } = statSync(file);
      expect(uid).toBe(isGiven ? 995 : (process.geteuid?.() ?? 0));
      expect(mode & 0o777).toBe(0o600);
      expect((await service("install", "--kind", "systemd")).out).toContain("nothing to do");
    }
  });

  test("leaves a file alone that a person has changed, unless it is forced", async () => {
    newRoot();
    await service("install", "--kind", "sysv");
    const path = join(root, "etc/init.d/gw");
    writeFileSync(path, readFileSync(path, "utf8").replace("umask 077", "umask 027"));
    for (const verb of ["install", "remove"]) {
      await expect(service(verb, "--kind", "sysv")).rejects.toThrow("not as gw wrote it");
    }
    expect((await service("status", "--kind", "sysv")).out).toContain("edited");
    await service("install", "--kind", "sysv", "--force");
    expect(readFileSync(path, "utf8")).toContain("umask 077");
  });

  test("replaces a file of its own that is out of date", async () => {
    newRoot();
    await service("install", "--kind", "sysv");
    writeFileSync(join(root, "etc/gw/gw.toml"), '[server]\nuser = "mail"\n');
    expect((await service("status", "--kind", "sysv")).out).toContain("older");
    await service("install", "--kind", "sysv");
    expect(readFileSync(join(root, "etc/init.d/gw"), "utf8")).toContain("user=mail\n");
  });

  test("says what to do when there is no configuration", async () => {
    newRoot();
    rmSync(join(root, "etc/gw/gw.toml"));
    await expect(service("install", "--kind", "sysv")).rejects.toThrow("no configuration at");
  });

  test.each([
    ["etc/rc.subr", "rcd"],
    ["sbin/openrc-run", "openrc"],
    ["usr/lib/systemd/systemd", "systemd"],
    ["etc/init.d/x", "sysv"],
  ])("takes a system with %s for one of %s", (sign, kind) => {
    const path = join(mkdtempSync(join(folder, "sign-")), sign);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "");
    expect(detectKind(path.slice(0, -sign.length))).toBe(kind as never);
  });

  test("stateOf() takes what is no file for somebody else's work", () => {
    const [file] = filesOf("sysv", SITE);
    mkdirSync(join(newRoot(), "etc/init.d/gw"), { recursive: true });
    expect(file && stateOf(file, root)).toBe("edited");
  });
});

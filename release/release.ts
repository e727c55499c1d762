// What is published beside an executable: checksum, list of parts, packages of Debian and FreeBSD.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { systemdUnit, sysusers } from "../src/cli/service/systemd.ts";
import { debianPackage, type PackedFile } from "./debian.ts";
import { licenseLines, licenseTexts, type Part, partsOf, sbomOf } from "./sbom.ts";

const SUMMARY = "SMTP anti-virus gateway in one file";
const DESCRIPTION =
  "Takes every message apart, scans it in its own process, and relays what is clean.";
const MAINTAINER = "gw maintainers <gw@localhost>";
/** Executables that Debian has an architecture for. */
const DEBIAN = { "gw-linux-x64": "amd64", "gw-linux-arm64": "arm64" } as const;
const PROGRAM_MODE = 0o755;
const TEXT_MODE = 0o644;

const SITE = {
  binary: "/usr/bin/gw",
  config: "/etc/gw/gw.toml",
  user: "gw",
  dataDir: "/var/lib/gw",
  pidFile: "/var/run/gw/gw.pid",
  logFile: "/var/log/gw/gw.log",
  writable: [],
  ownKey: "",
};

// Nothing is started: without a configuration there is nothing to do. DPKG_ROOT names another system
// than this host, whose users are not to be touched.
const SCRIPTS = {
  postinst: `#!/bin/sh
set -e
[ -z "$DPKG_ROOT" ] || exit 0
if [ "$1" = configure ] && ! getent passwd gw >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir /var/lib/gw \\
        --shell /usr/sbin/nologin --comment "gw SMTP gateway" gw
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload
`,
  prerm: `#!/bin/sh
set -e
[ -z "$DPKG_ROOT" ] || exit 0
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl disable --now gw || true; fi
`,
};

interface Manifest {
  readonly version: string;
  readonly license: string;
}

const readJson = (file: string) => JSON.parse(readFileSync(file, "utf8"));

/** All parts of gw. */
export function ownParts(): readonly Part[] {
  return partsOf(readJson("package-lock.json"));
}

/** What an executable holds for `gw licenses`. */
export function ownLicenses(): string {
  const { version, license } = readJson("package.json") as Manifest;
  return licenseLines({ name: "gw", version, license }, ownParts());
}

/** Writes what belongs to `dist/NAME` beside it; gives the names of the files. */
export function publish(name: string): readonly string[] {
  const { version, license } = readJson("package.json") as Manifest;
  const file = `dist/${name}`;
  const program = readFileSync(file);
  const sha256 = createHash("sha256").update(program).digest("hex");
  const parts = ownParts();
  const sbom = sbomOf({ name: "gw", version, license, sha256 }, parts);
  writeFileSync(`${file}.sha256`, `${sha256}  ${name}\n`);
  writeFileSync(`${file}.cdx.json`, `${JSON.stringify(sbom, undefined, 2)}\n`);
  const made = [`${file}.sha256`, `${file}.cdx.json`];
  const architecture = DEBIAN[name as keyof typeof DEBIAN];
  if (architecture !== undefined) {
    const control = {
      ...{ name: "gw", version, architecture, maintainer: MAINTAINER },
      ...{ summary: SUMMARY, description: DESCRIPTION, scripts: SCRIPTS },
    };
    const debian = `dist/gw_${version}_${architecture}.deb`;
    writeFileSync(debian, debianPackage(control, debianFiles(program, parts)));
    made.push(debian);
  }
  if (name.startsWith("gw-freebsd")) {
    writeFileSync(`${file}.manifest`, freebsdManifest(version, license, sha256));
    made.push(`${file}.manifest`);
  }
  return made;
}

function debianFiles(program: Uint8Array, parts: readonly Part[]): readonly PackedFile[] {
  const texts = `${readFileSync("NOTICE", "utf8")}\n${licenseTexts(parts)}`;
  return [
    { path: "/usr/bin/gw", mode: PROGRAM_MODE, content: program },
    { path: "/usr/lib/systemd/system/gw.service", mode: TEXT_MODE, content: systemdUnit(SITE) },
    { path: "/usr/lib/sysusers.d/gw.conf", mode: TEXT_MODE, content: sysusers(SITE) },
    { path: "/usr/share/doc/gw/copyright", mode: TEXT_MODE, content: texts },
    { path: "/usr/share/doc/gw/README.md", mode: TEXT_MODE, content: readFileSync("README.md") },
  ];
}

// For pkg-create(8) with -M, after the executable has been put to usr/local/sbin/gw of a folder.
function freebsdManifest(version: string, license: string, sha256: string): string {
  const manifest = {
    ...{ name: "gw", version, origin: "mail/gw", comment: SUMMARY, desc: DESCRIPTION },
    ...{ maintainer: "gw@localhost", www: "https://localhost/", prefix: "/usr/local" },
    ...{ licenses: [license], licenselogic: "single", categories: ["mail"] },
    files: { "/usr/local/sbin/gw": { sum: `1$${sha256}`, perm: "0755", uname: "root" } },
    users: ["gw"],
    groups: ["gw"],
    messages: [
      {
        message: "gw quickstart --domain LIST --next-hop HOST, then gw service install",
        type: "install",
      },
    ],
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

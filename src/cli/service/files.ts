// The files of a service, and whether those that lie there are gw's own: each carries a sum of its
// text, so that what a person has changed is never overwritten or removed.
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openrcScript, rcdScript, sysvScript } from "./scripts.ts";
import { KINDS, type Kind, type Site } from "./site.ts";
import { systemdUnit, sysusers } from "./systemd.ts";

/** One file of a service. */
export interface ServiceFile {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}

/** What lies at a file's place: nothing, this text, an older one of gw's, or somebody else's work. */
export type FileState = "missing" | "current" | "older" | "edited";

const MARK = "# Made by `gw service install`; sum ";
const SUM_LENGTH = 16;
const SCRIPT_MODE = 0o755;
const TEXT_MODE = 0o644;
/** A start script is never as large as this. */
const FILE_SIZE_MAX = 1 << 20;

function sumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, SUM_LENGTH);
}

// The mark is the last line: the first lines of scripts have a meaning.
function marked(text: string): string {
  return `${text}${MARK}${sumOf(text)}\n`;
}

function isOwn(text: string): boolean {
  const at = text.lastIndexOf(MARK);
  return at >= 0 && text.slice(at) === `${MARK}${sumOf(text.slice(0, at))}\n`;
}

const MAKERS: Readonly<Record<Kind, (site: Site) => readonly ServiceFile[]>> = {
  systemd: (site) => [
    { path: "/etc/sysusers.d/gw.conf", mode: TEXT_MODE, text: sysusers(site) },
    { path: "/etc/systemd/system/gw.service", mode: TEXT_MODE, text: systemdUnit(site) },
  ],
  sysv: (site) => [{ path: "/etc/init.d/gw", mode: SCRIPT_MODE, text: sysvScript(site) }],
  openrc: (site) => [{ path: "/etc/init.d/gw", mode: SCRIPT_MODE, text: openrcScript(site) }],
  rcd: (site) => [{ path: "/usr/local/etc/rc.d/gw", mode: SCRIPT_MODE, text: rcdScript(site) }],
};

/** The files of a kind, with their marks. */
export function filesOf(kind: Kind, site: Site): readonly ServiceFile[] {
  return MAKERS[kind](site).map((file) => ({ ...file, text: marked(file.text) }));
}

/** What lies at the file's place under `root`. */
export function stateOf(file: ServiceFile, root: string): FileState {
  const path = join(root, file.path);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "missing";
  if (!stat.isFile() || stat.size > FILE_SIZE_MAX) return "edited";
  const text = readFileSync(path, "utf8");
  if (text === file.text) return "current";
  return isOwn(text) ? "older" : "edited";
}

const SIGNS: Readonly<Record<Kind, readonly string[]>> = {
  systemd: ["run/systemd/system", "usr/lib/systemd/systemd", "lib/systemd/systemd"],
  rcd: ["etc/rc.subr"],
  openrc: ["sbin/openrc-run", "usr/sbin/openrc-run"],
  sysv: ["etc/init.d"],
};
const ORDER: readonly Kind[] = ["rcd", "openrc", "systemd", "sysv"];

/** The kind of start script that the system under `root` takes; undefined if nothing tells. */
export function detectKind(root: string): Kind | undefined {
  // What runs tells more than what is installed.
  if (root === "/" && existsSync("/run/systemd/system")) return "systemd";
  const found = ORDER.find((kind) => SIGNS[kind].some((sign) => existsSync(join(root, sign))));
  // A Debian without a running systemd, in a container for one, still starts what is in init.d.
  const isIdle = found === "systemd" && root === "/" && existsSync("/etc/init.d");
  return isIdle ? "sysv" : found;
}

/** A kind by the word for it. */
export function kindOf(word: string): Kind | undefined {
  return KINDS.find((kind) => kind === word);
}

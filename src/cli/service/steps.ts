// What is done to make gw a service of a host, or to take that back, as steps that can be shown
// before they are taken.
import { chmodSync, existsSync, lchownSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeAtomically } from "../../base/file/atomic-file.ts";
import { CliError } from "../command.ts";
import { findAccount } from "./accounts.ts";
import { filesOf, type ServiceFile, stateOf } from "./files.ts";
import type { Kind, Site } from "./site.ts";

/** One thing that is done. Paths are those on the host, without the root. */
export type Step =
  | { readonly kind: "user"; readonly user: string; readonly commands: readonly Command[] }
  | { readonly kind: "folder"; readonly path: string; readonly user: string }
  | { readonly kind: "key"; readonly path: string; readonly user: string }
  | ({ readonly kind: "file" } & ServiceFile)
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "run"; readonly command: Command };

/** A program of the system with its arguments. */
export type Command = readonly string[];

/** Where and how steps are taken. */
export interface Place {
  readonly root: string;
  readonly isForced: boolean;
}

const HOST = "/";
const ROOT = 0;
/** A tool of the system that takes longer hangs. */
const COMMAND_MS = 60_000;

// The same user by the tools of different systems; the first that is there is taken.
function userCommands({ user, dataDir }: Site): readonly Command[] {
  const comment = "gw SMTP gateway";
  return [
    [
      ...["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", dataDir],
      ...["--shell", "/usr/sbin/nologin", "--comment", comment, user],
    ],
    ["pw", "useradd", user, "-d", dataDir, "-s", "/usr/sbin/nologin", "-c", comment],
    ["adduser", "-S", "-D", "-H", "-h", dataDir, "-s", "/sbin/nologin", "-g", comment, user],
  ];
}

const ENABLE: Readonly<Record<Kind, readonly Command[]>> = {
  systemd: [
    ["systemctl", "daemon-reload"],
    ["systemctl", "enable", "gw.service"],
  ],
  sysv: [["update-rc.d", "gw", "defaults"]],
  openrc: [["rc-update", "add", "gw", "default"]],
  rcd: [["sysrc", "gw_enable=YES"]],
};

const STOP: Readonly<Record<Kind, readonly Command[]>> = {
  systemd: [["systemctl", "disable", "--now", "gw.service"]],
  sysv: [["/etc/init.d/gw", "stop"]],
  openrc: [
    ["/etc/init.d/gw", "stop"],
    ["rc-update", "delete", "gw"],
  ],
  rcd: [
    ["service", "gw", "onestop"],
    ["sysrc", "-x", "gw_enable"],
  ],
};

const FORGET: Readonly<Record<Kind, readonly Command[]>> = {
  systemd: [["systemctl", "daemon-reload"]],
  sysv: [["update-rc.d", "gw", "remove"]],
  openrc: [],
  rcd: [],
};

/** How the service is started by hand. */
export const START: Readonly<Record<Kind, string>> = {
  systemd: "systemctl start gw",
  sysv: "/etc/init.d/gw start",
  openrc: "rc-service gw start",
  rcd: "service gw start",
};

const runs = (commands: readonly Command[]): Step[] =>
  commands.map((command) => ({ kind: "run", command }));

function refuseEdited(files: readonly ServiceFile[], { root, isForced }: Place): void {
  const edited = files.filter((file) => stateOf(file, root) === "edited");
  if (edited.length === 0 || isForced) return;
  const names = edited.map(({ path }) => join(root, path)).join(", ");
  throw new CliError(`${names}: not as gw wrote it, and left alone; --force takes it as gw's own`);
}

/** Steps that install; throws CliError if a file that somebody has changed is in the way. */
export function stepsToInstall(kind: Kind, site: Site, place: Place): readonly Step[] {
  const { root } = place;
  const files = filesOf(kind, site);
  refuseEdited(files, place);
  const steps: Step[] = [];
  const { user } = site;
  const account = findAccount(user, root);
  if (account === undefined && root === HOST)
    steps.push({ kind: "user", user, commands: userCommands(site) });
  for (const path of [site.dataDir, ...site.writable]) {
    if (!existsSync(join(root, path))) steps.push({ kind: "folder", path, user });
  }
  const { ownKey } = site;
  // Root made the key before there was a user; systemd starts gw as that user, with no right to it.
  if (ownKey !== "" && isRootsFile(join(root, ownKey)) && account?.uid !== ROOT) {
    steps.push({ kind: "key", path: ownKey, user });
  }
  const wanted = files.filter((file) => stateOf(file, root) !== "current");
  steps.push(...wanted.map((file): Step => ({ kind: "file", ...file })));
  return root === HOST ? [...steps, ...runs(ENABLE[kind])] : steps;
}

function isRootsFile(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.uid === ROOT;
}

/** Steps that remove; mail, configuration and user stay. */
export function stepsToRemove(kind: Kind, site: Site, place: Place): readonly Step[] {
  const files = filesOf(kind, site).filter((file) => stateOf(file, place.root) !== "missing");
  refuseEdited(files, place);
  const removals = files.map(({ path }): Step => ({ kind: "remove", path }));
  if (place.root !== HOST || files.length === 0) return removals;
  return [...runs(STOP[kind]), ...removals, ...runs(FORGET[kind])];
}

/** What a step does, in words. */
export function describe(step: Step, root: string): string {
  switch (step.kind) {
    case "user":
      return `make the user ${step.user}`;
    case "folder":
      return `make the folder ${join(root, step.path)} for ${step.user}`;
    case "key":
      return `give ${join(root, step.path)} to ${step.user}`;
    case "file":
      return `write ${join(root, step.path)}`;
    case "remove":
      return `remove ${join(root, step.path)}`;
    case "run":
      return `run ${step.command.join(" ")}`;
    default:
      return step satisfies never;
  }
}

/** Takes a step; the text is a warning, "" if all went well. */
export function take(step: Step, root: string): string {
  switch (step.kind) {
    case "user":
      return makeUser(step.user, step.commands);
    case "folder":
      return makeFolderFor(join(root, step.path), step.user, root);
    case "key":
      return give(join(root, step.path), step.user, root);
    case "file": {
      const path = join(root, step.path);
      mkdirSync(dirname(path), { recursive: true });
      writeAtomically(path, step.text, step.mode);
      // The mode that was asked for, whatever the umask.
      chmodSync(path, step.mode);
      return "";
    }
    case "remove":
      rmSync(join(root, step.path), { force: true });
      return "";
    case "run":
      return run(step.command);
    default:
      return step satisfies never;
  }
}

function makeUser(user: string, commands: readonly Command[]): string {
  const command = commands.find(([program = ""]) => Bun.which(program) !== null);
  if (command === undefined) return `no tool to make the user ${user}: make it yourself`;
  return run(command);
}

function makeFolderFor(path: string, user: string, root: string): string {
  mkdirSync(dirname(path), { recursive: true });
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return give(path, user, root);
}

function give(path: string, user: string, root: string): string {
  const account = findAccount(user, root);
  if (account === undefined) return `${path}: give it to ${user} when that user is there`;
  if (lstatSync(path).uid === account.uid) return "";
  try {
    lchownSync(path, account.uid, account.gid);
    return "";
  } catch {
    return `${path}: only root can give it to ${user}`;
  }
}

function run(command: Command): string {
  const [program = ""] = command;
  const shown = command.join(" ");
  if (!program.startsWith("/") && Bun.which(program) === null) return `${program} is not there`;
  const { exitCode, stderr } = Bun.spawnSync([...command], {
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    timeout: COMMAND_MS,
  });
  const said = stderr.toString().trim().split("\n").at(-1) ?? "";
  return exitCode === 0 ? "" : `${shown} failed: ${said || `exit code ${exitCode}`}`;
}

// The systems that are compared, each as a user would run it: gw, Postfix alone, and Postfix that
// has clamd look at each message before it accepts it. All get one data folder each below the
// bench's own, ports of 127.0.0.1 only, and the same next hop.
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gatewayCommand, gatewayConfig, gatewayPath } from "../../harness/gateway-process.ts";
import { startPostfix } from "../../harness/postfix.ts";
import {
  freePort,
  logTail,
  type Running,
  runCommand,
  startProcess,
  stopProcess,
  until,
  waitForGreeting,
} from "../../harness/process.ts";
import { clamdConfig, milterConfig } from "./peer-config.ts";
import type { SignatureFolders } from "./signature-set.ts";

/** What a system is started with. */
export interface SystemSetting {
  /** Folder for everything the bench writes. */
  readonly folder: string;
  readonly signatures: SignatureFolders;
  readonly nextHopPort: number;
}

/** A system that runs and takes mail. */
export interface StartedSystem {
  readonly port: number;
  /** Roots of its process trees. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** A system that can be measured. */
export interface BenchSystem {
  readonly name: SystemName;
  /** Debian packages that it comes from. */
  readonly packages: readonly string[];
  /** What is needed to run it: commands and files. */
  readonly needs: readonly string[];
  start(setting: SystemSetting): Promise<StartedSystem>;
}

export const SYSTEM_NAMES = ["gw", "postfix", "postfix-nodelay", "postfix+clamd"] as const;
export type SystemName = (typeof SYSTEM_NAMES)[number];

const START_TIMEOUT_MS = 60_000;
/** `sun_path` of a Unix socket has room for so many bytes on Linux. */
const SOCKET_PATH_MAX = 107;

/** The absolute path of a command; undefined if it is not installed. */
export function findCommand(name: string): string | undefined {
  // Debian puts the servers where only root's PATH looks.
  const { PATH = "" } = process.env;
  return Bun.which(name, { PATH: `${PATH}:/usr/sbin:/sbin` }) ?? undefined;
}

/** What keeps a system from being started here; empty if nothing does. */
export function obstacles(system: BenchSystem): string[] {
  const isThere = (need: string) => existsSync(need) || findCommand(need) !== undefined;
  const found: string[] = system.needs.filter((need) => !isThere(need));
  if (system.name !== "gw" && process.getuid?.() !== 0) found.push("to be run as root");
  return found;
}

function emptyFolder(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return resolve(folder);
}

// Servers drop their privileges and must reach their own folders all the same.
async function giveTo(user: string, folder: string): Promise<void> {
  const { code, stderr } = await runCommand(["chown", "-R", user, folder]);
  if (code !== 0) throw new Error(stderr.trim());
}

async function waitForSocket(path: string, running: Running): Promise<void> {
  if (path.length > SOCKET_PATH_MAX) throw new Error(`${path} is too long for a socket`);
  const isThere = () => existsSync(path) || running.hasExited();
  const hasCome = (await until(isThere, START_TIMEOUT_MS)) && !running.hasExited();
  if (!hasCome) throw new Error(`${running.name} did not start:\n${logTail(running.logFile)}`);
}

async function startGateway(setting: SystemSetting): Promise<StartedSystem> {
  const folder = emptyFolder(join(setting.folder, "gw"));
  const port = freePort();
  const configFile = join(folder, "gw.toml");
  const config = gatewayConfig({
    dataFolder: join(folder, "data"),
    port,
    nextHopPort: setting.nextHopPort,
    // Postfix sends to one destination over 20 sessions by default.
    settings: {
      "outbound.sessions_per_host_max": 20,
      "scan.signatures_dir": setting.signatures.gw,
    },
  });
  writeFileSync(configFile, config);
  const running = startProcess({
    name: "gw",
    command: gatewayCommand(gatewayPath(), configFile),
    logFile: join(folder, "gw.log"),
  });
  await waitForGreeting(port, running);
  return { port, pids: [running.pid], stop: () => stopProcess(running) };
}

async function startPostfixSystem(
  setting: SystemSetting,
  name: string,
  extra: Readonly<Record<string, string>>,
): Promise<StartedSystem> {
  const folder = emptyFolder(join(setting.folder, name));
  const { ports, master, stop } = await startPostfix({
    folder,
    nextHopPort: setting.nextHopPort,
    extra,
  });
  return { port: ports[0] ?? 0, pids: [master], stop };
}

async function startDaemon(options: {
  readonly command: string;
  readonly folder: string;
  readonly config: string;
  readonly socket: string;
  readonly flags: readonly string[];
}): Promise<Running> {
  const { folder } = options;
  mkdirSync(join(folder, "tmp"));
  const configFile = join(folder, `${options.command}.conf`);
  writeFileSync(configFile, options.config);
  chmodSync(folder, 0o755);
  await giveTo("clamav", folder);
  const running = startProcess({
    name: options.command,
    command: [findCommand(options.command) ?? "", "-c", configFile, ...options.flags],
    logFile: join(folder, "output.log"),
    // clamd resolves relative names itself, and must be able to enter its working folder.
    cwd: "/",
  });
  await waitForSocket(options.socket, running);
  return running;
}

async function startPostfixWithClamd(setting: SystemSetting): Promise<StartedSystem> {
  const clamdFolder = emptyFolder(join(setting.folder, "clamd"));
  const milterFolder = emptyFolder(join(setting.folder, "milter"));
  const clamdSocket = join(clamdFolder, "clamd.sock");
  const milterSocket = join(milterFolder, "milter.sock");
  const clamd = await startDaemon({
    command: "clamd",
    folder: clamdFolder,
    config: clamdConfig(clamdFolder, clamdSocket, setting.signatures.clamd),
    socket: clamdSocket,
    flags: ["-F"],
  });
  const milter = await startDaemon({
    command: "clamav-milter",
    folder: milterFolder,
    config: milterConfig(milterFolder, milterSocket, clamdSocket),
    socket: milterSocket,
    flags: [],
  });
  const postfix = await startPostfixSystem(setting, "postfix-clamd", {
    smtpd_milters: `unix:${milterSocket}`,
    milter_default_action: "tempfail",
  });
  return {
    port: postfix.port,
    pids: [...postfix.pids, milter.pid, clamd.pid],
    stop: async () => {
      await postfix.stop();
      await stopProcess(milter);
      await stopProcess(clamd);
    },
  };
}

/** All systems, in the order in which they take turns. */
export const SYSTEMS: readonly BenchSystem[] = [
  { name: "gw", packages: [], needs: [gatewayPath()], start: startGateway },
  {
    name: "postfix",
    packages: ["postfix"],
    needs: ["postfix"],
    start: (setting) => startPostfixSystem(setting, "postfix", {}),
  },
  {
    // Without the pause that Postfix makes when mail comes in faster than it goes out.
    name: "postfix-nodelay",
    packages: ["postfix"],
    needs: ["postfix"],
    start: (setting) => startPostfixSystem(setting, "postfix-nodelay", { in_flow_delay: "0" }),
  },
  {
    name: "postfix+clamd",
    packages: ["postfix", "clamav-daemon", "clamav-milter"],
    needs: ["postfix", "clamd", "clamav-milter"],
    start: startPostfixWithClamd,
  },
];

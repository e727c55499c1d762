// A Postfix of a test's own: it listens on 127.0.0.1 only, keeps all it writes below one folder, and
// relays all it gets to one next hop.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, runCommand, until, waitForGreeting } from "./process.ts";

const START_TIMEOUT_MS = 15_000;
const MESSAGE_SIZE_MAX = 50 * 1024 * 1024;

/** main.cf of an instance below `folder`. */
function postfixMain(options: {
  readonly folder: string;
  readonly nextHopPort: number;
  readonly extra: Readonly<Record<string, string>>;
}): string {
  const { folder } = options;
  const settings: Record<string, string> = {
    compatibility_level: "3.6",
    command_directory: "/usr/sbin",
    daemon_directory: "/usr/lib/postfix/sbin",
    queue_directory: `${folder}/queue`,
    data_directory: `${folder}/data`,
    mail_owner: "postfix",
    setgid_group: "postdrop",
    myhostname: "mx.example.net",
    mydestination: "",
    local_recipient_maps: "",
    alias_maps: "",
    inet_interfaces: "127.0.0.1",
    inet_protocols: "ipv4",
    mynetworks: "127.0.0.0/8",
    smtpd_relay_restrictions: "permit_mynetworks, reject",
    smtpd_recipient_restrictions: "permit_mynetworks, reject",
    relayhost: `[127.0.0.1]:${options.nextHopPort}`,
    message_size_limit: String(MESSAGE_SIZE_MAX),
    mailbox_size_limit: "0",
    smtputf8_enable: "no",
    smtpd_tls_security_level: "none",
    smtp_tls_security_level: "none",
    maillog_file: `${folder}/log/maillog`,
    maillog_file_prefixes: folder,
    // 100 sessions that come in, and those that go out, at the same time.
    default_process_limit: "150",
    ...options.extra,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}`);
  return `${lines.join("\n")}\n`;
}

/** master.cf: the services of Debian's, without local delivery and without chroot. */
function postfixMaster(doors: readonly string[]): string {
  return `${doors.join("\n")}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`;
}

/** Where Postfix is, "" if it is not installed. */
export function postfixCommand(): string {
  return ["/usr/sbin/postfix", "/usr/local/sbin/postfix"].find((path) => existsSync(path)) ?? "";
}

/** A Postfix that runs. */
export interface RunningPostfix {
  /** One for each door. */
  readonly ports: readonly number[];
  readonly master: number;
  readonly logFile: string;
  stop(): Promise<void>;
}

/**
 * Starts Postfix below `folder`, which must be empty. A door is a port with settings of its own;
 * `extra` are settings for all.
 */
export async function startPostfix(options: {
  readonly folder: string;
  readonly nextHopPort: number;
  readonly doors?: readonly Readonly<Record<string, string>>[];
  readonly extra?: Readonly<Record<string, string>>;
}): Promise<RunningPostfix> {
  const { folder, nextHopPort, doors = [{}], extra = {} } = options;
  // Its own users look into it.
  chmodSync(folder, 0o755);
  for (const one of ["etc", "queue", "data", "log"]) mkdirSync(join(folder, one));
  const owned = await runCommand(["chown", "postfix", join(folder, "data")]);
  if (owned.code !== 0) throw new Error(`chown postfix: ${owned.stderr.trim()}`);
  writeFileSync(join(folder, "etc/main.cf"), postfixMain({ folder, nextHopPort, extra }));
  const ports = doors.map(() => freePort());
  const lines = doors.map((settings, index) => {
    const given = Object.entries(settings).map(([key, value]) => `\n  -o ${key}=${value}`);
    return `127.0.0.1:${ports[index]} inet n - n - - smtpd${given.join("")}`;
  });
  writeFileSync(join(folder, "etc/master.cf"), postfixMaster(lines));
  const control = async (verb: "start" | "stop") => {
    const { code, stderr } = await runCommand([postfixCommand(), "-c", join(folder, "etc"), verb]);
    if (code !== 0) throw new Error(`postfix ${verb}: ${stderr.trim()}`);
  };
  await control("start");
  const master = Number(readFileSync(join(folder, "queue/pid/master.pid"), "utf8"));
  // An interrupted run must not leave a mail server behind.
  const killLeft = () => process.kill(master, "SIGTERM");
  process.on("exit", killLeft);
  const logFile = join(folder, "log/maillog");
  for (const port of ports) {
    await waitForGreeting(port, { name: "postfix", logFile, hasExited: () => false });
  }
  return {
    ports,
    master,
    logFile,
    stop: async () => {
      await control("stop");
      await until(() => !existsSync(`/proc/${master}`), START_TIMEOUT_MS);
      process.off("exit", killLeft);
    },
  };
}

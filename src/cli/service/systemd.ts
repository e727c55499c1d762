// The systemd unit. gw gets the right to open low ports and nothing else; all of the system is read
// only for it, but for its own folders.
import { type Site, UNWANTED_VARIABLES } from "./site.ts";

/** Longer than gw gives to messages on their way in. */
const STOP_SECONDS = 60;
const WATCHDOG_SECONDS = 60;
const FILES_MAX = 65536;

// Words of a command line in a unit: systemd.service(5), "COMMAND LINES".
function word(text: string): string {
  const plain = text.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[A-Za-z0-9_./:@%$+,=-]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, "\\$&")}"`;
}

const path = (text: string) => `"${text.replaceAll("%", "%%").replace(/["\\]/g, "\\$&")}"`;

/** Text of `gw.service`. */
export function systemdUnit({ binary, config, user, dataDir, writable }: Site): string {
  const gw = word(binary);
  const stateDir = /^\/var\/lib\/([\w.-]+)$/.exec(dataDir)?.[1];
  const folders = stateDir === undefined ? [dataDir, ...writable] : writable;
  return `[Unit]
Description=gw, SMTP anti-virus gateway
Wants=network-online.target
After=network-online.target nss-lookup.target time-sync.target

[Service]
Type=notify
NotifyAccess=main
User=${user}
Group=${user}
ExecStart=${gw} serve --config ${word(config)}
ExecReload=${gw} reload --config ${word(config)}
Restart=on-failure
RestartSec=2
TimeoutStartSec=300
TimeoutStopSec=${STOP_SECONDS}
WatchdogSec=${WATCHDOG_SECONDS}
LimitNOFILE=${FILES_MAX}
UnsetEnvironment=${UNWANTED_VARIABLES.join(" ")}
UMask=0077
${stateDir === undefined ? "" : `StateDirectory=${stateDir}\nStateDirectoryMode=0700\n`}${folders.map((each) => `ReadWritePaths=-${path(each)}\n`).join("")}
# To open ports below 1024, and nothing else that root may.
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes

# MemoryDenyWriteExecute can't be set: the code of scanners is compiled while gw runs.
LockPersonality=yes
PrivateDevices=yes
PrivateTmp=yes
ProcSubset=all
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged

[Install]
WantedBy=multi-user.target
`;
}

/** Text for sysusers.d(5): the user without a login. */
export function sysusers({ user, dataDir }: Site): string {
  return `u ${user} - "gw SMTP gateway" ${dataDir}\n`;
}

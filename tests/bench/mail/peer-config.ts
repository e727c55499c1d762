// Configuration files of the peers: private instances that listen on 127.0.0.1 only, relay all they
// get to the bench's next hop, and have limits wide enough for the largest message of the loads.

const MESSAGE_SIZE_MAX = 50 * 1024 * 1024;

/** main.cf of an instance below `folder`. */
export function postfixMain(options: {
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
export function postfixMaster(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
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
postlog unix-dgram n - n - 1 postlogd
`;
}

/** clamd.conf: Debian's number of threads, limits above the largest message. */
export function clamdConfig(folder: string, socket: string, signatures: string): string {
  return `LogFile ${folder}/clamd.log
LogTime yes
DatabaseDirectory ${signatures}
LocalSocket ${socket}
LocalSocketMode 666
TemporaryDirectory ${folder}/tmp
User clamav
MaxThreads 12
MaxConnectionQueueLength 200
MaxQueue 200
StreamMaxLength 60M
MaxFileSize 60M
MaxScanSize 200M
SelfCheck 3600
Bytecode no
`;
}

/** clamav-milter.conf: refuses what clamd finds, defers if clamd does not answer. */
export function milterConfig(folder: string, socket: string, clamdSocket: string): string {
  return `MilterSocket unix:${socket}
MilterSocketMode 666
Foreground yes
TemporaryDirectory ${folder}/tmp
User clamav
ClamdSocket unix:${clamdSocket}
MaxFileSize 60M
OnClean Accept
OnInfected Reject
OnFail Defer
AddHeader Replace
LogFile ${folder}/milter.log
LogTime yes
LogInfected Basic
LogClean Off
`;
}

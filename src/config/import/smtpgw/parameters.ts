// The parameters of smtpgw.conf that stand for one thing each, with what they are here. Those that
// work together (policy, groups, access rules, routes) have files of their own.

/** How a value is written there. */
export type Form = "integer" | "kilobytes" | "megabytes" | "seconds" | "days" | "text";

/** One parameter. Without `key` it has no use here, for the reason in `note`. */
export interface Parameter {
  readonly key?: string;
  readonly form?: Form;
  /** Its default there: a value that equals it is not carried over. */
  readonly was?: string;
  /** Values that gw takes at all; others become the nearest of these. */
  readonly range?: readonly [number, number];
  /** What is different; makes the parameter "changed". */
  readonly changed?: string;
  readonly note?: string;
}

const DAY = 86_400;
const OWN_SIGNATURES = "signatures come with gw; your own lie in scan.signatures_dir";
const ONE_FOLDER = "gw keeps all mail in server.data_dir; the old folder stays as it is";
const OWN_RESOLVER = "gw keeps DNS answers as long as they say themselves";
const ALL_REPLIES = "one limit holds for all replies of a next hop";
const OWN_UPDATER = "gw fetches signatures by itself";

const sending = (was: string): Parameter => ({
  key: "outbound.reply_timeout",
  form: "seconds",
  was,
  range: [1, 7200],
  changed: ALL_REPLIES,
});
const unneeded = (note: string): Parameter => ({ note });

type Section = Readonly<Record<string, Parameter>>;

const LIMITS: Section = {
  AntiviralSessions: unneeded("gw scans with one thread per processor core; see scan.workers"),
  IncomingSessions: {
    key: "inbound.sessions_max",
    form: "integer",
    was: "100",
    range: [1, 20_000],
  },
  OutgoingSessions: unneeded("sessions are limited for each next hop, not for all together"),
  MaximalIncomingHops: { key: "inbound.hops_max", form: "integer", was: "20", range: [10, 100] },
  MaximalIncomingMessageSize: {
    key: "inbound.message_size_max",
    form: "kilobytes",
    was: "10240",
    range: [1, 512 * 1024],
  },
  MaximalIncomingMessagesPerSession: {
    key: "inbound.messages_per_session_max",
    form: "integer",
    was: "100",
  },
  MaximalIncomingRcptsPerMessage: {
    key: "inbound.recipients_max",
    form: "integer",
    was: "100",
    range: [100, 10_000],
  },
  MaximalIncomingSessionSize: { key: "inbound.session_size_max", form: "kilobytes", was: "10240" },
  MaximalIncomingSessionsPerIP: {
    key: "inbound.sessions_per_address_max",
    form: "integer",
    was: "4",
    range: [1, 20_000],
  },
  MaximalOutgoingSessionsPerHost: {
    key: "outbound.sessions_per_host_max",
    form: "integer",
    was: "4",
    range: [1, 1000],
  },
  MinimalQueueFreeSpaceSize: { key: "store.free_space_min", form: "megabytes", was: "0" },
};

const TIMEOUTS: Section = {
  MaximalBackoffTime: {
    key: "queue.retry_max",
    form: "seconds",
    was: "21600",
    range: [1, 7 * DAY],
  },
  MinimalBackoffTime: { key: "queue.retry_min", form: "seconds", was: "1800", range: [1, DAY] },
  MaximalQueueLifetime: { key: "queue.lifetime", form: "days", range: [1, 30] },
  ReadTimeout: unneeded("inbound.idle_timeout and outbound.reply_timeout say it for each side"),
  WriteTimeout: unneeded("inbound.idle_timeout and outbound.reply_timeout say it for each side"),
  ReceivingCommandTimeout: {
    key: "inbound.idle_timeout",
    form: "seconds",
    was: "300",
    range: [5, 3600],
  },
  ReceivingDataInitiationTimeout: unneeded("inbound.idle_timeout holds for DATA as well"),
  ReceivingDataTerminationTimeout: unneeded("inbound.idle_timeout holds for DATA as well"),
  SendingInitialTimeout: {
    key: "outbound.connect_timeout",
    form: "seconds",
    was: "300",
    range: [1, 600],
  },
  SendingHelloTimeout: sending("300"),
  SendingMailTimeout: sending("300"),
  SendingRcptTimeout: sending("300"),
  SendingQuitTimeout: unneeded("gw does not wait for the answer to QUIT"),
  SendingDataInitiationTimeout: sending("600"),
  SendingDataTerminationTimeout: sending("300"),
};

/** Parameters by section and name. */
export const PARAMETERS: Readonly<Record<string, Section>> = {
  path: {
    BasesPath: unneeded(OWN_SIGNATURES),
    LicensePath: unneeded("gw works without a key; gw license install takes those of feeds"),
  },
  locale: {
    DateFormat: unneeded("times in the log are those of ISO 8601"),
    TimeFormat: unneeded("times in the log are those of ISO 8601"),
  },
  "smtpgw.limits": LIMITS,
  "smtpgw.timeouts": TIMEOUTS,
  "smtpgw.resolve": {
    InternalRecursionEnabled: unneeded("gw asks the DNS servers of dns.servers"),
    InternalRecursionsLimit: unneeded("gw asks the DNS servers of dns.servers"),
    IONetworkTimeout: unneeded("questions to DNS servers have a limit of their own"),
    IPCacheRefreshPeriod: unneeded(OWN_RESOLVER),
    MXCacheRefreshPeriod: unneeded(OWN_RESOLVER),
    UnreachableCacheRefreshPeriod: unneeded("hosts that can't be reached are remembered"),
    UnresolvedCacheRefreshPeriod: unneeded(OWN_RESOLVER),
    UnresolvedTTL: unneeded(OWN_RESOLVER),
    UnreachableTTL: unneeded("hosts that can't be reached are remembered"),
  },
  "smtpgw.options": {
    StatFilename: { key: "server.stats_file", form: "text" },
    AVStatistics: {
      key: "log.object_log",
      form: "text",
      changed: "the log has a line `scanned` for each message",
    },
    ICheckerDBFilename: unneeded("gw remembers clean objects in memory, not in a file"),
    LogLevel: { changed: "log.level has other words; the default counts" },
  },
  "smtpgw.path": {
    QueuePath: unneeded(ONE_FOLDER),
    ControlPath: { key: "server.control_dir", form: "text" },
  },
  "updater.path": {
    UploadPatchPath: unneeded(OWN_UPDATER),
    BackUpPath: unneeded(OWN_UPDATER),
    PidFile: unneeded(OWN_UPDATER),
    AVBasesTestPath: unneeded("what is fetched is tested before it is used"),
  },
  "updater.options": {
    KeepSilent: unneeded(OWN_UPDATER),
    UseUpdateServerUrl: unneeded(OWN_UPDATER),
    UseUpdateServerUrlOnly: unneeded(OWN_UPDATER),
    UpdateServerUrl: unneeded("that server has nothing that gw could use"),
    PostUpdateCmd: unneeded("new signatures are taken without a restart"),
    RegionSettings: unneeded(OWN_UPDATER),
    ConnectTimeout: unneeded(OWN_UPDATER),
    ProxyAddress: { key: "update.proxy", form: "text" },
    UseProxy: unneeded("a proxy is used if one is set"),
    PassiveFtp: unneeded("nothing is fetched by FTP"),
  },
  "updater.report": {
    Append: unneeded("what the updater does is in gw's log"),
    ReportFileName: unneeded("what the updater does is in gw's log"),
    ReportLevel: unneeded("what the updater does is in gw's log"),
  },
};

// Settings of the host, its log and its store.
import { LOG_LEVELS } from "../../base/log.ts";
import type { Schema } from "../field.ts";
import { duration, endpoint, hostname, mailbox, oneOf, path, size, userName } from "../types.ts";

/** Sections server, log and store. */
export const SERVER_FIELDS = {
  "server.hostname": {
    type: hostname(),
    default: "",
    doc: "Name of this host in the greeting, in EHLO and in trace fields. Empty: the name the operating system gives.",
    example: "mx1.example.org",
    knownAs: ["Hostname", "myhostname"],
    needsRestart: true,
  },
  "server.data_dir": {
    type: path(),
    default: "/var/lib/gw",
    doc: "Folder for the spool, the queue and the quarantine. It must be on a local disk, writable by gw and by no one else.",
    example: "/srv/gw",
    knownAs: ["QueuePath", "QuarantinePath", "BackupPath", "queue_directory"],
    needsRestart: true,
  },
  "server.user": {
    type: userName(),
    default: "",
    doc: "User that gw becomes when root has started it, once its ports are open. Certificates and keys must be readable for that user if they are to be renewed while gw runs. Empty: gw stays who started it.",
    example: "gw",
    knownAs: ["User", "default_privs"],
    needsRestart: true,
  },
  "server.postmaster": {
    type: mailbox(),
    default: "",
    doc: "Address of the people who look after this host; it is named in delivery reports. Empty: postmaster at server.hostname.",
    example: "postmaster@example.org",
    knownAs: ["Postmaster", "AdminNotifyAddress"],
  },
  "server.metrics_listen": {
    type: endpoint({ orEmpty: true }),
    default: "",
    doc: "Address on which gw serves counters for Prometheus at /metrics and its state at /health, without a password. Empty: nowhere; gw stats tells the same.",
    example: "127.0.0.1:9125",
    needsRestart: true,
  },
  "server.control_dir": {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Folder in which gw looks for control files, does what their names say and deletes them: .c_stats (writes server.stats_file), .c_recv_off, .c_recv_on, .c_avir_off, .c_avir_on, .c_send_off, .c_send_on (pauses and resumes a stage) and .c_db_reload (as gw reload). Whoever may write there may stop the mail. Empty: none.",
    example: "/var/run/gw",
    knownAs: ["ControlPath"],
    needsRestart: true,
  },
  "server.stats_file": {
    type: path({ orEmpty: true }),
    default: "",
    doc: "File that the control file .c_stats has written, with the lines of gw stats. Empty: stats in server.control_dir.",
    example: "/var/db/gw/statistics",
    knownAs: ["StatFilename"],
    needsRestart: true,
  },
  "log.level": {
    type: oneOf(LOG_LEVELS),
    default: "info",
    doc: "The least grave events that are logged.",
    example: "debug",
    knownAs: ["LogLevel"],
  },
  "log.format": {
    type: oneOf(["text", "json"]),
    default: "text",
    doc: "Lines for people (time, level, event, key=value) or one JSON object per line.",
    example: "json",
    needsRestart: true,
  },
  "store.free_space_min": {
    type: size({ min: "0B", max: "1000GB" }),
    default: "64MB",
    doc: "Free space that is left alone on the disk of server.data_dir. Below it mail is deferred with 452, so that what was accepted can still be delivered.",
    example: "1GB",
    knownAs: ["MinimalQueueFreeSpaceSize", "queue_minfree"],
    needsRestart: true,
  },
  "store.decisions_keep": {
    type: duration({ min: "0s", max: "365d" }),
    default: "14d",
    doc: "How long gw keeps what it decided about each message and what became of it, which gw why tells. 0s: it keeps nothing of that.",
    example: "30d",
    needsRestart: true,
  },
} as const satisfies Schema;

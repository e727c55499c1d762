// Parameters of main.cf that stand for one setting each, and those that have no use here.

/** How a value is written there. */
export type Form = "integer" | "bytes" | "time" | "text";

/** One parameter with a setting of its own. */
export interface Parameter {
  readonly key: string;
  readonly form: Form;
  /** Its default there, as Postfix prints it: not carried over. */
  readonly was: string;
  readonly range?: readonly [number, number];
  /** Unit of a time without one. */
  readonly unit?: "s" | "d";
  /** What 0 stands for. */
  readonly zero?: string;
  readonly changed?: string;
}

const DAY = 86_400;
const MEGABYTE = 1024 * 1024;

/** Parameters by name. */
export const PARAMETERS: Readonly<Record<string, Parameter>> = {
  myhostname: { key: "server.hostname", form: "text", was: "" },
  message_size_limit: {
    key: "inbound.message_size_max",
    form: "bytes",
    was: "10240000",
    range: [1024, 512 * MEGABYTE],
    zero: "no limit there: the most that gw takes",
  },
  queue_minfree: { key: "store.free_space_min", form: "bytes", was: "0" },
  smtpd_client_connection_count_limit: {
    key: "inbound.sessions_per_address_max",
    form: "integer",
    was: "50",
    range: [1, 20_000],
    zero: "no limit there: the most that gw takes",
  },
  smtpd_recipient_limit: {
    key: "inbound.recipients_max",
    form: "integer",
    was: "1000",
    range: [100, 10_000],
  },
  default_process_limit: {
    key: "inbound.sessions_max",
    form: "integer",
    was: "100",
    range: [1, 20_000],
    changed: "only sessions are limited by it here",
  },
  hopcount_limit: { key: "inbound.hops_max", form: "integer", was: "50", range: [10, 100] },
  smtpd_timeout: { key: "inbound.idle_timeout", form: "time", was: "300s", range: [5, 3600] },
  minimal_backoff_time: { key: "queue.retry_min", form: "time", was: "300s", range: [1, DAY] },
  maximal_backoff_time: { key: "queue.retry_max", form: "time", was: "4000s", range: [1, 7 * DAY] },
  maximal_queue_lifetime: {
    key: "queue.lifetime",
    form: "time",
    was: "5d",
    unit: "d",
    range: [60, 30 * DAY],
  },
  default_destination_concurrency_limit: {
    key: "outbound.sessions_per_host_max",
    form: "integer",
    was: "20",
    range: [1, 1000],
  },
  smtp_connect_timeout: {
    key: "outbound.connect_timeout",
    form: "time",
    was: "30s",
    range: [1, 600],
  },
  smtp_data_done_timeout: {
    key: "outbound.reply_timeout",
    form: "time",
    was: "600s",
    range: [1, 7200],
    changed: "one limit holds for all replies of a next hop",
  },
};

/** Parameters that mean something else here, with what is to be done. */
export const CHANGED: readonly (readonly [RegExp, string])[] = [
  [
    /^smtpd_.*_restrictions$/,
    "gw relays for relay_networks and relay_domains only, whatever stands there",
  ],
  [
    /^(content_filter|smtpd_proxy_filter|receive_override_options)$/,
    "gw scans by itself, before it answers",
  ],
  [/^(smtpd|non_smtpd)_milters$|^milter_/, "gw scans by itself; it calls no milters"],
  [/^smtp_sasl_/, "a [[route]] has user and password"],
  [/^smtpd_sasl_/, "not taken: logins are set up anew, see gw config describe inbound"],
  [/^(always_bcc|sender_bcc_maps|recipient_bcc_maps)$/, "policy.archive keeps copies; not taken"],
  [
    /^(virtual|local|canonical|sender_canonical|recipient_canonical|relocated|relay_recipient|sender_dependent|masquerade).*$/,
    "gw changes no addresses and keeps no mailboxes; leave it to the next hop",
  ],
  [
    /^(header|body|mime_header|nested_header)_checks$/,
    "a [[filter]] goes by names and types; not taken",
  ],
  [/^(smtp_tls|smtpd_tls|tls)_/, "gw chooses versions and ciphers by itself"],
  [/^mynetworks_style$/, "gw takes networks from inbound.relay_networks only"],
  [/^smtp_bind_address6?$/, "see outbound.source_addresses; not taken"],
  [/^postscreen_/, "not taken: gw has checks of its own"],
];

/** Parameters without a use here. */
export const NEEDLESS: readonly RegExp[] = [
  /_(directory|program)$/,
  /^(mail_owner|setgid_group|default_privs|compatibility_level|debug_peer_\w+|debugger_command)$/,
  /^(alias_maps|alias_database|mailbox_\w+|home_mailbox|recipient_delimiter|biff|owner_request_special)$/,
  /^(append_\w+|mydomain|myorigin|inet_protocols|smtpd_banner|mail_name|mail_version|mailq_path)$/,
  /^(newaliases_path|sendmail_path|readme_directory|unknown_\w+_code|soft_bounce|smtpd_helo_required)$/,
  /^(maillog_\w+|syslog_\w+|swap_bangpath|strict_\w+|bounce_\w+|delay_\w+|notify_classes)$/,
  /^(disable_\w+|address_verify_\w+|anvil_\w+|in_flow_delay|qmgr_\w+|smtputf8_enable)$/,
  /^(smtpd_forbid_bare_newline\w*|smtpd_data_restrictions|smtpd_delay_reject|smtpd_error_\w+)$/,
];

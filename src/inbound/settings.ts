// What the listeners are told: the doors of a configuration and the settings that may change while
// gw runs.
import { fileStamp } from "../base/file/file-stamp.ts";
import { describeError, type Log } from "../base/log.ts";
import type { Config } from "../config/schema.ts";
import type { ListenerSettings } from "../config/tables.ts";
import type { Role } from "../message.ts";
import { handedSockets, type InheritedSocket, inheritedSockets } from "./door/place.ts";
import { trustedBy } from "./ldap/ldap.ts";
import type { SessionLimits } from "./limits/guard.ts";
import type { RateLimit } from "./limits/rates.ts";
import { LdapDirectory, type LdapSettings } from "./login/ldap.ts";
import type { LoginOptions } from "./login/logins.ts";
import { type Directory, UsersFile } from "./login/users.ts";
import type { RelaySettings } from "./relay.ts";
import type { SessionSettings } from "./session.ts";
import type { CertificateFiles } from "./tls/certificate.ts";

/** Settings that may change while gw runs. */
export interface InboundSettings extends SessionSettings, SessionLimits, RelaySettings {
  readonly rates: readonly RateLimit[];
}

/** A door for clients: where it is and whom it is for. */
export interface DoorPlan {
  /** `192.0.2.1:25`, `[::]:25` (port 0 takes a free one), `unix:/path`, `systemd:NAME`. */
  readonly listen: readonly string[];
  readonly role: Role;
  readonly tls: "none" | "starttls" | "implicit";
  readonly protocol: "smtp" | "lmtp";
  /** Whether clients log in. */
  readonly auth: "off" | "offered" | "required";
  /** Networks of balancers that begin with a PROXY header. */
  readonly proxyNetworks: readonly string[];
  /** Networks of relays that may use XCLIENT and XFORWARD. */
  readonly xclientNetworks: readonly string[];
  /** Permissions of a socket in the file system. */
  readonly socketMode: number;
}

/** What may change while a listener runs. */
export interface ListenerPlan {
  readonly doors: readonly DoorPlan[];
  /** The host's own first. Without any, TLS is not offered. */
  readonly certificates?: readonly CertificateFiles[];
  /** Sockets for doors at `systemd:NAME`. */
  readonly inherited?: readonly InheritedSocket[];
  /** Where users are known that log in. */
  readonly directories?: readonly Directory[];
  readonly loginLimits?: Pick<LoginOptions, "failuresMax" | "failuresWithinMs">;
  /** Stands for the directories and limits: where it is another one, logins begin anew. */
  readonly loginKey?: string;
  readonly settings: InboundSettings;
}

/** A door for everyone, without anything of its own. */
export function plainDoor(listen: readonly string[]): DoorPlan {
  return {
    listen,
    role: "mx",
    tls: "starttls",
    protocol: "smtp",
    auth: "off",
    proxyNetworks: [],
    xclientNetworks: [],
    socketMode: 0o660,
  };
}

function doorOf(row: ListenerSettings): DoorPlan {
  return {
    listen: row.listen,
    role: row.role,
    tls: row.tls,
    protocol: row.protocol,
    auth: row.auth ?? (row.role === "submission" ? "required" : "off"),
    proxyNetworks: row.proxy_networks,
    xclientNetworks: row.xclient_networks,
    socketMode: Number.parseInt(row.socket_mode, 8),
  };
}

/** All doors of a configuration. */
function doorsOf(config: Config): readonly DoorPlan[] {
  const simple = config["inbound.listen"];
  return [...(simple.length === 0 ? [] : [plainDoor(simple)]), ...config.listener.map(doorOf)];
}

/** The certificates of a configuration, the host's own first; none if that is missing. */
/** The files of all certificates, the host's own first. */
export function certificatesOf(config: Config): readonly CertificateFiles[] {
  const certificate = config["inbound.tls_certificate"];
  if (certificate === "") return [];
  return [{ certificate, key: config["inbound.tls_key"] }, ...config.certificate];
}

/** The directories of a configuration; throws if the file of users is wrong. */
function directoriesOf(config: Config, log: Log): readonly Directory[] {
  const file = config["login.users_file"];
  const url = config["login.ldap_url"];
  const onError = (error: unknown) => {
    log.error("users-not-loaded", { cause: describeError(error) });
  };
  return [
    ...(file === "" ? [] : [new UsersFile(file, onError)]),
    ...(url === "" ? [] : [new LdapDirectory(ldapSettings(config, url))]),
  ];
}

function ldapSettings(config: Config, url: string): LdapSettings {
  return {
    url,
    isStartTls: config["login.ldap_starttls"],
    ...trustedBy("login.ldap_ca", config["login.ldap_ca"]),
    bindDn: config["login.ldap_bind_dn"],
    bindPassword: config["login.ldap_bind_password"],
    base: config["login.ldap_base"],
    filter: config["login.ldap_filter"],
    addressAttribute: config["login.ldap_addresses"],
    timeoutMs: config["login.ldap_timeout"],
  };
}

// The same text for the same settings. login.sender is not about who logs in.
function loginKeyOf(config: Config): string {
  const own = Object.entries(config).filter(([key]) => /^login\.(?!sender$)/.test(key));
  const ca = config["login.ldap_ca"];
  return JSON.stringify([own, ca === "" ? "" : fileStamp(ca)]);
}

/** How logins are counted. */
function loginLimits(config: Config) {
  return {
    failuresMax: config["login.failures_max"],
    failuresWithinMs: config["login.failures_within"],
  };
}

/** The settings of a configuration that may change while gw runs. */
export function inboundSettings(config: Config, hostname: string): InboundSettings {
  return {
    hostname,
    messageSizeMax: config["inbound.message_size_max"],
    recipientsMax: config["inbound.recipients_max"],
    sessionsMax: config["inbound.sessions_max"],
    sessionsPerAddressMax: config["inbound.sessions_per_address_max"],
    bareLineEnding: config["inbound.bare_line_ending"],
    idleTimeoutMs: config["inbound.idle_timeout"],
    sessionTimeMaxMs: config["inbound.session_time_max"],
    messagesMax: config["inbound.messages_per_session_max"],
    sessionSizeMax: config["inbound.session_size_max"],
    pendingSizeMax: config["inbound.pending_size_max"],
    errorsMax: config["inbound.errors_max"],
    idleCommandsMax: config["inbound.idle_commands_max"],
    greetingDelayMs: config["inbound.greeting_delay"],
    tarpitDelayMs: config["inbound.tarpit_delay"],
    tarpitAfter: config["inbound.tarpit_after"],
    senderOfUser: config["login.sender"],
    rates: config.rate.map(({ within, ...rate }) => ({ ...rate, withinMs: within })),
    // RFC 5321 §4.5.1: where `RCPT TO:<postmaster>` goes.
    postmaster: config["server.postmaster"] || `postmaster@${hostname}`,
    relayNetworks: config["inbound.relay_networks"],
    relayDomains: config["inbound.relay_domains"],
  };
}

/** What a listener is opened with, beside those who take the mail. */
export function listenerPlan(
  config: Config,
  hostname: string,
  log: Log,
  inherited: readonly InheritedSocket[] = [
    ...inheritedSockets(process.env, process.pid),
    ...handedSockets(process.env),
  ],
): ListenerPlan {
  return {
    doors: doorsOf(config),
    certificates: certificatesOf(config),
    directories: directoriesOf(config, log),
    loginKey: loginKeyOf(config),
    loginLimits: loginLimits(config),
    inherited,
    settings: inboundSettings(config, hostname),
  };
}

// The access rules of a configuration, with all that they ask.
import type { Clock } from "../../base/clock.ts";
import { fileStamp } from "../../base/file/file-stamp.ts";
import type { Log } from "../../base/log.ts";
import { parseDnsList } from "../../config/access/dns-list.ts";
import type { Config } from "../../config/schema.ts";
import { parseServers, Resolver } from "../../dns/resolver.ts";
import type { AuthenticationCheck, Client } from "../../message.ts";
import { MailHosts } from "../../outbound/mail-hosts.ts";
import type { NextHop } from "../../outbound/route.ts";
import { COURIER_DEFAULTS } from "../../outbound/settings.ts";
import { AddressMasks, foldAddress } from "../../policy/mask.ts";
import type { GreylistRows } from "../../store/rows/greylist-rows.ts";
import { trustedBy } from "../ldap/ldap.ts";
import { Access } from "./access.ts";
import { DnsLists } from "./dns-lists.ts";
import { Greylist } from "./greylist.ts";
import { Callout } from "./recipients/callout.ts";
import { Directory, type RecipientSource } from "./recipients/directory.ts";
import { LdapSource } from "./recipients/ldap.ts";

/** What access rules need from around them. */
export interface AccessSurroundings {
  readonly rows: GreylistRows;
  readonly checkSender: (client: Client, sender: string) => Promise<AuthenticationCheck>;
  readonly nextHop: (address: string) => NextHop;
  readonly isLocal: (address: string) => boolean;
  readonly hostname: string;
  readonly log: Log;
  readonly clock: Clock;
}

// A client waits that long at RCPT (RFC 5321 §4.5.3.2.3 gives it five minutes).
const ASK_TIMEOUT_MS = 30_000;
const DNS_ROUNDS = 2;

/**
 * Makes them; what those of before remember of DNS and of recipients is taken over as far as its
 * settings are the same. Throws for a list of recipients or certificates that can't be read.
 */
export function openAccess(config: Config, around: AccessSurroundings, before?: Access): Access {
  const { clock, log, rows, checkSender, isLocal } = around;
  // The settings of DNS stay as they are until gw is started again.
  const resolver =
    before?.resolver ??
    new Resolver({
      servers: parseServers(config["dns.servers"]),
      timeoutMs: config["dns.timeout"],
      rounds: DNS_ROUNDS,
      clock,
    });
  const lists = config["access.dns_lists"].flatMap((text) => parseDnsList(text) ?? []);
  const facts = {
    resolver,
    lists: new DnsLists(lists, { resolver, log }),
    listedFrom: config["access.dns_lists_from"],
    checkSender,
  };
  const greylist = new Greylist(rows, clock, {
    delayMs: config["access.greylist_delay"],
    windowMs: config["access.greylist_window"],
    keepMs: config["access.greylist_keep"],
    passesForClient: config["access.greylist_passes"],
  });
  const key = recipientSettings(config);
  const directory =
    before?.directory?.key === key ? before.directory : directoryOf(config, resolver, around);
  return new Access(config, { resolver, facts, greylist, directory, isLocal });
}

function directoryOf(
  config: Config,
  resolver: Resolver,
  around: AccessSurroundings,
): Directory | undefined {
  const { clock, log, nextHop, hostname } = around;
  const sources: RecipientSource[] = [];
  const file = config["access.recipients_file"];
  if (file !== "") sources.push(listOf(file, { clock, log }));
  const url = config["access.recipients_ldap"];
  if (url !== "") {
    sources.push(
      new LdapSource({
        url,
        isStartTls: config["access.recipients_ldap_starttls"],
        ...trustedBy("access.recipients_ldap_ca", config["access.recipients_ldap_ca"]),
        base: config["access.recipients_ldap_base"],
        filter: config["access.recipients_ldap_filter"],
        bindDn: config["access.recipients_ldap_user"],
        bindPassword: config["access.recipients_ldap_password"],
        timeoutMs: ASK_TIMEOUT_MS,
      }),
    );
  }
  if (config["access.recipients_callout"]) {
    const hosts = new MailHosts(resolver, { ...COURIER_DEFAULTS, random: Math.random });
    sources.push(new Callout({ nextHop, hosts, hostname, timeoutMs: ASK_TIMEOUT_MS }));
  }
  if (sources.length === 0) return undefined;
  const settings = {
    knownMs: config["access.recipients_known"],
    unknownMs: config["access.recipients_unknown"],
    isTroubleAccepted: config["access.recipients_trouble"] === "accept",
  };
  return new Directory(sources, settings, { clock, log, key: recipientSettings(config) });
}

// The same text for the same settings.
function recipientSettings(config: Config): string {
  const own = Object.entries(config).filter(([key]) => key.startsWith("access.recipients_"));
  const ca = config["access.recipients_ldap_ca"];
  return JSON.stringify([own, ca === "" ? "" : fileStamp(ca)]);
}

function listOf(file: string, parts: { readonly clock: Clock; readonly log: Log }) {
  const masks = new AddressMasks([`file:${file}`], parts);
  return {
    name: "list",
    isQuick: true,
    find: (address) => {
      const isKnown = masks.has(foldAddress(address));
      const why = `${file} ${isKnown ? "has" : "does not have"} it`;
      return Promise.resolve({ kind: isKnown ? "known" : "unknown", why });
    },
  } satisfies RecipientSource;
}

// Settings of who may send what: rules of the session, checks of the sender, and rules about their
// results. Every list of rules is tried from its top; the first rule that fits counts.

import type { Schema } from "../field.ts";
import {
  duration,
  flag,
  integer,
  ldapUrl,
  list,
  oneOf,
  path,
  phrase,
  secret,
  word,
} from "../types.ts";
import { parseDnsList } from "./dns-list.ts";

function dnsList() {
  const isList = (text: string) => parseDnsList(text) !== undefined;
  return word(
    "DNS list",
    'a zone such as "bl.example.org" or "bl.example.org=127.0.0.2*3"',
    isList,
  );
}

import { accessRule } from "./rule.ts";

/** Sections access and authentication. */
export const ACCESS_FIELDS = {
  "access.relay_rules": {
    type: list(accessRule("relay")),
    default: [],
    doc: "Who may send to whom through gw: allow, deny or defer, from addresses, networks, authenticated or any, to a mask of recipients. Where none fits, inbound.relay_networks and inbound.relay_domains decide.",
    example: ["deny from 192.0.2.66 to *", "allow from authenticated to *"],
    knownAs: ["smtpd_relay_restrictions"],
  },
  "access.connect_rules": {
    type: list(accessRule("connect")),
    default: [],
    doc: "Rules about the client's address, asked when it names a recipient: allow, deny, defer, tag or greylist, from conditions that must all hold, to a mask of recipients. in_dnsbl and out_dnsbl: whether access.dns_lists know it. has_name and no_name: whether it has a name in DNS. confirmed_name and unconfirmed_name: whether that name leads back to it. What DNS does not tell holds for nobody: a rule that would deny then defers. Clients in inbound.relay_networks and those that have logged in are exempt.",
    example: ["allow from 198.51.100.7 to *", "deny from in_dnsbl to *", "tag from no_name to *"],
    knownAs: ["ConnectRule", "smtpd_client_restrictions"],
  },
  "access.helo_rules": {
    type: list(accessRule("helo")),
    default: [],
    doc: "Rules about the name in HELO or EHLO. has_ip and no_ip: whether it has an address in DNS. same_ip and diff_ip: whether that is the client's.",
    example: ["defer from no_ip to *"],
    knownAs: ["HeloRule", "smtpd_helo_restrictions"],
  },
  "access.mailfrom_rules": {
    type: list(accessRule("mailfrom")),
    default: [],
    doc: "Rules about the envelope sender. has_ip and no_ip: whether its domain has an address; has_mx and no_mx: whether it has MX records, of which a null MX is none. null_sender: it is empty; then none of those holds. spf_fail and the like: what SPF says of it.",
    example: ["deny from no_ip,no_mx to *", "greylist from spf_none to *"],
    knownAs: ["MailfromRule", "smtpd_sender_restrictions"],
  },
  "access.dns_lists": {
    type: list(dnsList()),
    default: [],
    doc: "DNS lists that in_dnsbl asks: a zone, with =ADDRESS or =NETWORK if only such answers count, and with *WEIGHT if it counts more or less than 1. A list that vouches for clients has a negative weight.",
    example: ["zen.example.net=127.0.0.0/28*2", "bl.example.org", "white.example.org*-3"],
    knownAs: ["DNSBlackList", "postscreen_dnsbl_sites"],
  },
  "access.dns_lists_from": {
    type: integer({ min: 1, max: 1000 }),
    default: 1,
    doc: "Sum of the weights of the lists that know a client, from which on in_dnsbl holds.",
    example: 3,
    knownAs: ["postscreen_dnsbl_threshold"],
  },
  "access.greylist_delay": {
    type: duration({ min: "1s", max: "1d" }),
    default: "1m",
    doc: "How long a client, sender and recipient that are greylisted have to wait before they are let in.",
    example: "5m",
    knownAs: ["postgrey_delay"],
  },
  "access.greylist_window": {
    type: duration({ min: "10m", max: "7d" }),
    default: "2d",
    doc: "Who comes again later than that after the first time starts anew.",
    example: "1d",
  },
  "access.greylist_keep": {
    type: duration({ min: "1d", max: "365d" }),
    default: "36d",
    doc: "How long one who has been let in is remembered.",
    example: "60d",
  },
  "access.greylist_passes": {
    type: integer({ min: 0, max: 1000 }),
    default: 5,
    doc: "How many different senders or recipients a client's network must have been let in with until all its mail is; 0: never.",
    example: 10,
  },
  "access.recipients_file": {
    type: path({ orEmpty: true }),
    default: "",
    doc: "A file with the recipients of inbound.relay_domains, one address or mask on each line, read again when it changes; others are refused at once. Empty: no such file.",
    example: "/etc/gw/recipients",
    knownAs: ["relay_recipient_maps", "local_recipient_maps"],
  },
  "access.recipients_ldap": {
    type: ldapUrl(),
    default: "",
    doc: "A directory service that is asked for the recipients of inbound.relay_domains. Empty: none is.",
    example: "ldaps://directory.example.org",
  },
  "access.recipients_ldap_starttls": {
    type: flag(),
    default: false,
    doc: "Begins TLS on an ldap:// connection.",
    example: true,
  },
  "access.recipients_ldap_ca": {
    type: path({ orEmpty: true }),
    default: "",
    doc: "File of the certificates (PEM) that the directory is trusted by. Empty: the well-known ones, which gw has with it.",
    example: "/etc/gw/internal-ca.pem",
  },
  "access.recipients_ldap_base": {
    type: phrase(500),
    default: "",
    doc: "Below which entry of the directory recipients are.",
    example: "ou=people,dc=example,dc=org",
  },
  "access.recipients_ldap_filter": {
    type: phrase(500),
    default: "(mail={address})",
    doc: "Which entries are a recipient; {address} stands for the address.",
    example: "(&(objectClass=person)(mail={address}))",
  },
  "access.recipients_ldap_user": {
    type: phrase(500),
    default: "",
    doc: "Name that gw logs in with at the directory. Empty: it does not.",
    example: "cn=gw,dc=example,dc=org",
  },
  "access.recipients_ldap_password": {
    type: secret(),
    default: "",
    doc: "Password that belongs to access.recipients_ldap_user.",
    example: "secret",
  },
  "access.recipients_callout": {
    type: flag(),
    default: false,
    doc: "The next hop of a recipient in inbound.relay_domains is asked whether it takes it, by a session that ends after RCPT. Only a definite no counts.",
    example: true,
    knownAs: ["reject_unverified_recipient"],
  },
  "access.recipients_known": {
    type: duration({ min: "1s", max: "30d" }),
    default: "1d",
    doc: "How long it is believed that a directory or a next hop knows a recipient.",
    example: "12h",
    knownAs: ["address_verify_positive_expire_time"],
  },
  "access.recipients_unknown": {
    type: duration({ min: "1s", max: "7d" }),
    default: "10m",
    doc: "How long it is believed that they don't.",
    example: "1h",
    knownAs: ["address_verify_negative_expire_time"],
  },
  "access.recipients_trouble": {
    type: oneOf(["defer", "accept"]),
    default: "defer",
    doc: "What is done with a recipient while nobody who should know can be asked.",
    example: "accept",
    knownAs: ["unverified_recipient_tempfail_action"],
  },
  "authentication.check": {
    type: flag(),
    default: false,
    doc: "Mail from outside is checked by SPF, DKIM, DMARC and ARC, and what they say is written into a header field Authentication-Results; such fields that somebody else wrote in this host's name are taken out. Not checked are clients in inbound.relay_networks and those that have logged in.",
    example: true,
  },
  "authentication.timeout": {
    type: duration({ min: "1s", max: "2m" }),
    default: "20s",
    doc: "How long the checks of one message may take. What is not known by then is temperror.",
    example: "10s",
    needsRestart: true,
  },
  "authentication.rules": {
    type: list(accessRule("message")),
    default: [],
    doc: "What is done with checked messages, by what the checks say: deny, defer, quarantine, tag or allow, from conditions, to a mask of recipients. dmarc_reject and dmarc_quarantine mean that DMARC failed and the owner of the domain asks for that; dkim_pass means one good signature, dkim_fail that there are signatures and none is good. A rule can't make a message pass that a scan or another rule holds back.",
    example: ["deny from dmarc_reject to *", "quarantine from dmarc_quarantine to *"],
  },
} as const satisfies Schema;

// Section access: who may send to whom. A rule that can't be said here leaves mail refused and never
// makes an open relay.
import { isIP } from "node:net";
import type { Schema } from "../../field.ts";
import { SCHEMA } from "../../schema.ts";
import type { Entry } from "../entry.ts";
import { flagOf } from "./ini.ts";
import { entriesOf, type Work } from "./work.ts";

const RULE = /^(allow|deny)\s+from\s+(\S+)\s+to\s+(\S+)$/i;
const CONDITIONS = /^(allow|deny)\s+from\s+(.+?)\s+to\s+(\S+)$/i;
const RELAY_RULES = "access.relay_rules";
const CONNECT_RULES = "access.connect_rules";
const MAILFROM_RULES = "access.mailfrom_rules";
const DNS_LISTS = "access.dns_lists";
const NETWORKS = "inbound.relay_networks";
const DOMAINS = "inbound.relay_domains";

const schema: Schema = SCHEMA;

function isTaken(key: string, value: string): boolean {
  return schema[key]?.type.element?.read(value).kind === "value";
}

/** A mask of bits from a mask of octets: 255.255.255.0 is 24. */
function bitsOf(mask: string): number | undefined {
  if (isIP(mask) !== 4) return undefined;
  const bits = mask
    .split(".")
    .map((octet) => Number(octet).toString(2).padStart(8, "0"))
    .join("");
  return /^1*0*$/.test(bits) ? bits.replace(/0+$/, "").length : undefined;
}

// `192.0.2.1`, `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, `192.0.2.*`.
function networkOf(text: string): string | undefined {
  const [address = "", mask] = text.split("/");
  const stars = /^((?:\d+\.){1,3})\*$/.exec(text)?.[1];
  if (stars !== undefined) {
    const octets = stars.split(".").filter((octet) => octet !== "");
    const padded = [...octets, "0", "0", "0"].slice(0, 4).join(".");
    return isIP(padded) === 4 ? `${padded}/${octets.length * 8}` : undefined;
  }
  if (mask === undefined)
    return isIP(address) === 4
      ? `${address}/32`
      : isIP(address) === 6
        ? `${address}/128`
        : undefined;
  const bits = bitsOf(mask) ?? mask;
  return `${address}/${bits}`;
}

const domainOf = (mask: string) => mask.replace(/^\*?@/, "");

/** What a RelayRule says; `isOpen`: it would let everybody send everywhere. */
interface Relay {
  readonly entry: Entry;
  readonly verb: string;
  readonly isAnybody: boolean;
  readonly isAnywhere: boolean;
  readonly network: string | undefined;
  readonly domain: string;
  /** The rule as gw writes it. */
  readonly rule: string;
}

const maskOf = (to: string) =>
  to.toLowerCase() === "any" ? "*" : to.startsWith("@") ? `*${to}` : to;

function relayOf(entry: Entry): Relay | undefined {
  const [, word = "", from = "", to = ""] = RULE.exec(entry.value.trim()) ?? [];
  if (word === "") return undefined;
  const verb = word.toLowerCase();
  const isAnybody = from.toLowerCase() === "any";
  const network = isAnybody ? undefined : networkOf(from);
  const mask = maskOf(to);
  return {
    ...{ entry, verb, isAnybody, network, domain: domainOf(to) },
    isAnywhere: mask === "*",
    rule: `${verb} from ${isAnybody ? "any" : (network ?? from)} to ${mask}`,
  };
}

const isLast = ({ verb, isAnybody, isAnywhere }: Relay) =>
  verb === "deny" && isAnybody && isAnywhere;
const isOpen = ({ verb, isAnybody, isAnywhere }: Relay) =>
  verb === "allow" && isAnybody && isAnywhere;
/** What the lists of networks and domains say as well. */
const isListed = ({ verb, isAnybody, isAnywhere }: Relay) =>
  verb === "allow" && isAnybody !== isAnywhere;

// Networks and domains that may be relayed for are lists of gw's own. Where rules say more than those
// can, all of them are kept in their order, and the lists, which are asked later, widen nothing.
function relayRules(work: Work, entries: readonly Entry[]): void {
  const { draft, report } = work;
  const relays: Relay[] = [];
  for (const entry of entries) {
    const relay = relayOf(entry);
    if (relay !== undefined) relays.push(relay);
    else report.note(entry, "wrong", [], "expected allow|deny from ADDRESS|MASK|any to MASK");
  }
  const last = relays.findIndex(isLast);
  const counted = last < 0 ? relays : relays.slice(0, last);
  const hasRules = counted.some((relay) => !isListed(relay) && !isOpen(relay));
  let refused: Entry | undefined;
  for (const relay of relays) {
    const { entry, rule, isAnybody, network, domain } = relay;
    const [key, value] = isAnybody ? [DOMAINS, domain] : [NETWORKS, network ?? ""];
    if (isLast(relay)) {
      report.note(entry, "taken", [NETWORKS, DOMAINS], "gw refuses what nothing allows");
    } else if (isOpen(relay)) {
      report.note(entry, "changed", [], "not taken: it would make gw an open relay");
    } else if (!counted.includes(relay)) {
      report.note(entry, "needless", [], "it stands below a rule that denies everything");
    } else if (refused !== undefined && relay.verb === "allow") {
      report.note(
        entry,
        "changed",
        [],
        `not taken: the denial in line ${refused.line} comes before`,
      );
    } else if (!isTaken(RELAY_RULES, rule) || (isListed(relay) && !isTaken(key, value))) {
      // What can't be said must not leave later rules wider than they were.
      if (relay.verb === "deny") refused ??= entry;
      report.note(entry, "changed", [], "not taken: see access.relay_rules");
    } else {
      if (hasRules) draft.settings.add(RELAY_RULES, rule, entry);
      if (isListed(relay)) draft.settings.add(key, value, entry);
      const keys = [...(hasRules ? [RELAY_RULES] : []), ...(isListed(relay) ? [key] : [])];
      report.note(entry, "taken", keys);
    }
  }
}

/** Rules on client, greeting and sender: conditions have the same names in gw. */
function conditionRule(work: Work, entry: Entry, key: string): void {
  const { draft, report } = work;
  const [, verb = "", from = "", to = ""] = CONDITIONS.exec(entry.value.trim()) ?? [];
  if (verb === "") {
    report.note(entry, "wrong", [], "expected allow|deny from CONDITION to MASK");
    return;
  }
  const words = from
    .toLowerCase()
    .split(/[\s,/]+/)
    .filter(Boolean);
  const rule = `${verb.toLowerCase()} from ${words.join(",")} to ${maskOf(to)}`;
  if (!isTaken(key, rule)) {
    report.note(entry, "changed", [], `not taken: see ${key}`);
    return;
  }
  draft.settings.add(key, rule, entry);
  report.note(entry, "taken", [key]);
}

/** Of 5.0: what has no name, or no address, is denied. */
function unresolved(work: Work, entry: Entry, key: string, conditions: string): void {
  const { draft, report } = work;
  if (flagOf(entry.value) === false) {
    report.note(entry, "taken", [], "gw does not ask for it");
    return;
  }
  draft.settings.add(key, `deny from ${conditions} to *`, entry);
  report.note(entry, "taken", [key]);
}

/** Converts the section. */
export function convertAccess(work: Work): void {
  const { draft, report } = work;
  const relays: Entry[] = [];
  for (const entry of entriesOf(work, "smtpgw.access")) {
    switch (entry.name.toLowerCase()) {
      case "relayrule":
      case "rule":
        relays.push(entry);
        break;
      case "connectrule":
        conditionRule(work, entry, CONNECT_RULES);
        break;
      case "helorule":
        conditionRule(work, entry, "access.helo_rules");
        break;
      case "mailfromrule":
        conditionRule(work, entry, MAILFROM_RULES);
        break;
      case "dnsblacklist":
        for (const zone of entry.value.split(/[\s,;]+/).filter(Boolean)) {
          if (isTaken(DNS_LISTS, zone)) draft.settings.add(DNS_LISTS, zone, entry);
          else report.note(entry, "wrong", [], `${zone} is no name of a DNS list`);
        }
        report.note(entry, "taken", [DNS_LISTS]);
        break;
      case "denyunresolvedconnect":
        unresolved(work, entry, CONNECT_RULES, "no_name");
        break;
      case "denyunresolvedmailfrom":
        unresolved(work, entry, MAILFROM_RULES, "no_ip,no_mx");
        break;
      default:
        break;
    }
  }
  relayRules(work, relays);
}

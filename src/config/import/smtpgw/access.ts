// Section access: who may send to whom. Rules of gw allow networks and domains and deny all else, so
// that a rule which can't be said here leaves mail refused and never makes an open relay.
import { isIP } from "node:net";
import type { Schema } from "../../field.ts";
import { SCHEMA } from "../../schema.ts";
import type { Entry } from "../entry.ts";
import { flagOf } from "./ini.ts";
import { entriesOf, type Work } from "./work.ts";

const RULE = /^(allow|deny)\s+from\s+(\S+)\s+to\s+(\S+)$/i;
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

/** The rules so far: nothing after one that can't be said may widen what it forbids. */
interface Course {
  refused: Entry | undefined;
}

function relayRule(work: Work, entry: Entry, course: Course): void {
  const { draft, report } = work;
  const [, verb = "", from = "", to = ""] = RULE.exec(entry.value.trim()) ?? [];
  const isAllowed = verb.toLowerCase() === "allow";
  const isAnybody = from.toLowerCase() === "any";
  const isAnywhere = to === "*" || to.toLowerCase() === "any";
  const network = networkOf(from);
  if (verb === "") {
    report.note(entry, "wrong", [], "expected allow|deny from ADDRESS|MASK|any to MASK");
  } else if (!isAllowed && isAnybody && isAnywhere) {
    report.note(entry, "taken", [NETWORKS, DOMAINS], "gw refuses what nothing allows");
  } else if (!isAllowed) {
    course.refused ??= entry;
    report.note(
      entry,
      "changed",
      [],
      "gw has no denials: later rules that could widen it are left out",
    );
  } else if (isAnybody && isAnywhere) {
    report.note(entry, "changed", [], "not taken: it would make gw an open relay");
  } else if (course.refused !== undefined) {
    const { line } = course.refused;
    report.note(entry, "changed", [], `not taken: the denial in line ${line} comes before it`);
  } else if (isAnybody && isTaken(DOMAINS, domainOf(to))) {
    draft.settings.add(DOMAINS, domainOf(to), entry);
    report.note(entry, "taken", [DOMAINS]);
  } else if (network !== undefined && isAnywhere && isTaken(NETWORKS, network)) {
    draft.settings.add(NETWORKS, network, entry);
    report.note(entry, "taken", [NETWORKS]);
  } else if (network !== undefined && isTaken(DOMAINS, domainOf(to))) {
    report.note(entry, "changed", [], "not taken: gw allows a network all recipients or none");
  } else {
    report.note(entry, "changed", [], "not taken: see inbound.relay_networks and relay_domains");
  }
}

const NO_LISTS = "gw asks no DNS lists; it refuses by content and relaying rules";

/** Converts the section. */
export function convertAccess(work: Work): void {
  const course: Course = { refused: undefined };
  const { report } = work;
  for (const entry of entriesOf(work, "smtpgw.access")) {
    switch (entry.name.toLowerCase()) {
      case "relayrule":
      case "rule":
        relayRule(work, entry, course);
        break;
      case "connectrule":
      case "helorule":
      case "mailfromrule": {
        const isOpen = /^allow\s+from\s+any\s+to\s+\*$/i.test(entry.value.trim());
        if (isOpen) report.note(entry, "taken", [], "gw takes what nothing forbids");
        else report.note(entry, "changed", [], NO_LISTS);
        break;
      }
      case "dnsblacklist":
        report.note(entry, "changed", [], NO_LISTS);
        break;
      case "denyunresolvedconnect":
      case "denyunresolvedmailfrom":
        if (flagOf(entry.value) === false)
          report.note(entry, "taken", [], "gw does not ask for it");
        else report.note(entry, "changed", [], NO_LISTS);
        break;
      default:
        break;
    }
  }
}

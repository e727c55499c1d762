// What `gw doctor` asks the DNS: whether this host is found by its name, by its addresses, and by the
// domains that it takes mail for.
import { isIP } from "node:net";
import { hostnameOf } from "../../config/names.ts";
import type { Config } from "../../config/schema.ts";
import type { Lookup, Resolver } from "../../dns/resolver.ts";
import { type Finding, findingsAbout } from "./finding.ts";

/** More domains are not asked for: the first ones show what is wrong. */
const DOMAINS_MAX = 20;

const { ok, warn, fail, unknown } = findingsAbout("DNS");
const CHECK = "look at the DNS servers (dns.servers, /etc/resolv.conf)";

/** Names as they are compared. */
const plain = (name: string) => name.toLowerCase().replace(/\.$/, "");

/** All that DNS should say of this gateway. */
export async function checkNames(config: Config, resolver: Resolver): Promise<readonly Finding[]> {
  const hostname = plain(hostnameOf(config));
  if (!hostname.includes(".")) {
    return [fail(`this host is called ${hostname}`, "set server.hostname to its full name")];
  }
  const addresses = await resolver.addresses(hostname);
  const findings = [ofHost(hostname, addresses)];
  if (addresses.kind === "found") {
    findings.push(
      ...(await Promise.all(addresses.values.map((a) => ofAddress(a, hostname, resolver)))),
    );
  }
  // Masks stand for domains that nobody has named.
  const domains = config["inbound.relay_domains"].filter((each) => !/[*?]/.test(each));
  const asked = domains.slice(0, DOMAINS_MAX);
  findings.push(...(await Promise.all(asked.map((each) => ofDomain(each, hostname, resolver)))));
  return findings;
}

function ofHost(hostname: string, addresses: Lookup<string>): Finding {
  switch (addresses.kind) {
    case "found":
      return ok(`${hostname} has ${addresses.values.join(", ")}`);
    case "trouble":
      return unknown(`${hostname}: ${addresses.reason}`, CHECK);
    case "empty":
    case "noName":
      return fail(`${hostname} has no address`, `publish: ${hostname}. A <address of this host>`);
    default:
      return addresses satisfies never;
  }
}

// Many servers refuse mail from addresses without a name, or with one that does not lead back.
async function ofAddress(address: string, hostname: string, resolver: Resolver): Promise<Finding> {
  const names = await resolver.names(address);
  if (names.kind === "trouble") return unknown(`${address}: ${names.reason}`, CHECK);
  const found = names.kind === "found" ? names.values.map(plain) : [];
  if (found.includes(hostname)) return ok(`${address} is called ${hostname}`);
  const now = found.length === 0 ? "has no name" : `is called ${found.join(", ")}`;
  return warn(`${address} ${now}`, `have its owner publish PTR ${hostname}.`);
}

async function ofDomain(given: string, hostname: string, resolver: Resolver): Promise<Finding> {
  const domain = given.replace(/^\./, "");
  if (isIP(domain) !== 0) return ok(`${domain} needs no DNS`);
  const found = await resolver.exchanges(domain);
  if (found.kind === "trouble") return unknown(`MX of ${domain}: ${found.reason}`, CHECK);
  const hosts = found.kind === "found" ? found.values.map(({ host }) => plain(host)) : [];
  if (hosts.includes(hostname)) return ok(`mail for ${domain} comes here`);
  const now = hosts.length === 0 ? "no MX" : `MX ${hosts.join(", ")}`;
  const remedy = `publish: ${domain}. MX 10 ${hostname}. (unless another host sends it on to here)`;
  return warn(`${domain} has ${now}`, remedy);
}

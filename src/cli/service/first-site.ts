// The configuration of a first gateway in front of a mail server, made of the few things that nobody
// can guess, with its folders, and what DNS has to say for mail to come.
import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname as systemHostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { isDomain, isDomainMask, parseEndpoint } from "../../base/endpoint.ts";
import { describeError } from "../../base/log.ts";
import { toToml } from "../../config/field.ts";
import { checkConfig, lineOf } from "../../config/load.ts";
import { makeSelfSigned } from "../../inbound/tls/self-signed.ts";
import { comparableDomain, type Place, parsePlace } from "../../text/mail-route.ts";
import { printable } from "../../text/printable.ts";
import { CliError } from "../command.ts";
import { CONFIG_PLACES } from "../config-file.ts";
import { type Account, findAccount } from "./accounts.ts";
import { giveFolder } from "./privilege.ts";
import { TLS_FILES, USER_DEFAULT } from "./site.ts";

/** What a person says of the site; all but the first two have defaults. */
export interface Wishes {
  /** Domains with commas between them. */
  readonly domain: string;
  readonly nextHop?: string | undefined;
  readonly listen?: string | undefined;
  readonly hostname?: string | undefined;
  /** The folder for configuration and mail; else they go where the system has such things. */
  readonly dir?: string | undefined;
  /** A key and a certificate of its own are to be made. */
  readonly tls?: boolean | undefined;
}

/** What is to be written, and where. */
export interface FirstSite {
  readonly configFile: string;
  readonly dataDir: string;
  readonly hostname: string;
  readonly domains: readonly string[];
  readonly nextHop: string;
  readonly listen: string;
  /** The user that the mail is to belong to; undefined for whoever runs this. */
  readonly account: Account | undefined;
  readonly isRoot: boolean;
  /** The files in PEM that are to be made for STARTTLS. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
}

const LISTEN_DEFAULT = "0.0.0.0:25";
const DATA_DIR_DEFAULT = "/var/lib/gw";
/** More stand better in a file of their own (`inbound.relay_domains = "file:…"`). */
const DOMAINS_MAX = 1000;
const LOCAL = /^(?:127\.|::1$)/;
const ANY = /^(?:0\.0\.0\.0|::)$/;
const ROOT = 0;

const KEY_MODE = 0o600;

// What the service's user has to read, and no one but root to write, against what is one person's.
const ROOTS_MODES = { folder: 0o755, file: 0o644 };
const OWN_MODES = { folder: 0o700, file: 0o600 };

function domainsOf(list: string): readonly string[] {
  const words = list.split(/[\s,]+/).filter((word) => word !== "");
  for (const word of words) {
    if (word === "*") {
      throw new CliError("--domain *: a gateway that takes mail for all domains is an open relay");
    }
    if (!isDomainMask(word)) {
      throw new CliError(`--domain: "${printable(word)}" is no domain such as example.org`);
    }
  }
  if (words.length === 0) throw new CliError("--domain: name a domain such as example.org");
  if (words.length > DOMAINS_MAX) throw new CliError(`--domain: more than ${DOMAINS_MAX} domains`);
  return [...new Set(words.map((word) => word.toLowerCase()))];
}

// Of a bare name that very host is meant, not whoever its MX records name: they lead back to gw.
function nextHopOf(text: string | undefined): { place: Place; written: string } {
  const example = "such as 192.0.2.10, mail.example.org or mail.example.org:2525";
  if (text === undefined) throw new CliError(`--domain needs --next-hop too, ${example}`);
  const place = parsePlace(text);
  if (place === undefined) {
    throw new CliError(`--next-hop: "${printable(text)}" is no host ${example}`);
  }
  switch (place.kind) {
    case "host":
      return { place, written: `[${place.host}]:${place.port}` };
    case "mx":
      return { place, written: `[${place.domain}]:25` };
    case "socket":
      return { place, written: text };
    default:
      return place satisfies never;
  }
}

function refuseLoop(place: Place, listen: string): void {
  const own = parseEndpoint(listen);
  if (own === undefined) {
    throw new CliError(
      `--listen: "${printable(listen)}" is no address and port such as ${LISTEN_DEFAULT}`,
    );
  }
  if (place.kind !== "host" || place.port !== own.port) return;
  if (place.host !== own.address && !(ANY.test(own.address) && LOCAL.test(place.host))) return;
  throw new CliError(`--next-hop: gw itself is to listen there (${listen}); mail would go round`);
}

function hostnameOf(wanted: string | undefined, domains: readonly string[]): string {
  if (wanted !== undefined) {
    if (isDomain(wanted) && wanted.includes(".")) return wanted.toLowerCase();
    throw new CliError(
      `--hostname: "${printable(wanted)}" is no full name such as mx1.example.org`,
    );
  }
  const own = systemHostname().toLowerCase();
  if (isDomain(own) && own.includes(".")) return own;
  return `mx1.${(domains[0] ?? "").replace(/^\*\./, "")}`;
}

/** The site that is wished for; throws CliError for what can't be, and touches nothing. */
export function planSite(wishes: Wishes): FirstSite {
  const domains = domainsOf(wishes.domain);
  const { place, written } = nextHopOf(wishes.nextHop);
  const listen = wishes.listen ?? LISTEN_DEFAULT;
  refuseLoop(place, listen);
  const isRoot = process.geteuid?.() === ROOT;
  const folder = wishes.dir === undefined ? undefined : resolve(wishes.dir);
  const [linux, freebsd] = CONFIG_PLACES;
  const usual = process.platform === "freebsd" ? freebsd : linux;
  const configFile = folder === undefined ? usual : join(folder, "gw.toml");
  const beside = (name: string) => join(dirname(configFile), name);
  const { certificate, key } = TLS_FILES;
  return {
    configFile,
    dataDir: folder === undefined ? DATA_DIR_DEFAULT : join(folder, "data"),
    hostname: hostnameOf(wishes.hostname, domains),
    domains,
    nextHop: written,
    listen,
    account: isRoot ? findAccount(USER_DEFAULT) : undefined,
    isRoot,
    tls: wishes.tls === true ? { certificate: beside(certificate), key: beside(key) } : undefined,
  };
}

/** The text of the site's configuration. */
export function siteText(site: FirstSite): string {
  const user = site.account === undefined ? [] : [`user = ${toToml(site.account.name)}`];
  const tls =
    site.tls === undefined
      ? []
      : [
          "# Self-signed; a real one may replace it, and is taken without a restart.",
          `tls_certificate = ${toToml(site.tls.certificate)}`,
          `tls_key = ${toToml(site.tls.key)}`,
        ];
  return [
    "# Made by `gw quickstart`. Change it as you like: `gw config describe` explains every setting.",
    "",
    "[server]",
    `hostname = ${toToml(site.hostname)}`,
    `data_dir = ${toToml(site.dataDir)}`,
    ...user,
    "",
    "[inbound]",
    `listen = [${toToml(site.listen)}]`,
    "# Mail for these is taken from anyone.",
    `relay_domains = ${toToml(site.domains)}`,
    "# Hosts that may send to anyone through gw are added to these: your own mail servers.",
    'relay_networks = ["127.0.0.0/8", "::1/128"]',
    ...tls,
    "",
    "[outbound]",
    "# What is for other domains goes where their MX records lead.",
    "routes = [",
    ...site.domains.map((domain) => `  ${toToml(`${domain} ${site.nextHop}`)},`),
    "]",
    "",
  ].join("\n");
}

function refuseOverwriting({ configFile, tls }: FirstSite): void {
  if (existsSync(configFile)) {
    throw new CliError(
      `${configFile} is there already, and left as it is; change it with \`gw config set\`, ` +
        "or make another with --dir DIR",
    );
  }
  for (const file of tls === undefined ? [] : [tls.key, tls.certificate]) {
    if (!existsSync(file)) continue;
    throw new CliError(
      `${file} is there already, and left as it is: leave out --tls, and set ` +
        "inbound.tls_certificate and tls_key with `gw config set`",
    );
  }
}

// Files that were made, to be taken back if not all can be.
class NewFiles {
  readonly #made: string[] = [];

  write(path: string, text: string, { mode, owner }: { mode: number; owner?: Account }): void {
    const file = openSync(path, "wx", mode);
    this.#made.push(path);
    try {
      writeFileSync(file, text);
      // The mode that was asked for, whatever the umask.
      fchmodSync(file, mode);
      if (owner !== undefined) fchownSync(file, owner.uid, owner.gid);
    } finally {
      closeSync(file);
    }
  }

  takeBack(): void {
    for (const path of this.#made) rmSync(path, { force: true });
  }
}

/** Makes folders and configuration; gives what was done, in words. Overwrites nothing. */
export function makeSite(site: FirstSite, now: number): readonly string[] {
  const { configFile, dataDir, account, isRoot } = site;
  const folder = dirname(configFile);
  refuseOverwriting(site);
  const done: string[] = [];
  const modes = isRoot ? ROOTS_MODES : OWN_MODES;
  const files = new NewFiles();
  try {
    const first = mkdirSync(folder, { recursive: true, mode: modes.folder });
    if (first !== undefined) {
      // The mode that was asked for, whatever the umask.
      for (let each = folder; each.length >= first.length; each = dirname(each)) {
        chmodSync(each, modes.folder);
      }
      done.push(`made the folder ${folder}`);
    }
    done.push(...makeCertificate(site, files, now));
    files.write(configFile, siteText(site), { mode: modes.file });
    done.push(`wrote ${configFile}`);
    // What was in gw.d before may not go with it.
    const problems = checkConfig(configFile);
    if (problems.length > 0) throw new CliError(problems.map(lineOf).join("\n"));
    return [...done, makeDataFolder(dataDir, account, isRoot)];
  } catch (error) {
    files.takeBack();
    if (error instanceof CliError) throw error;
    const hint = isRoot ? "" : "; be root, or name a folder of yours with --dir DIR";
    const message = `cannot make ${configFile}: ${describeError(error)}${hint}`;
    throw new CliError(message, { cause: error });
  }
}

function makeCertificate(site: FirstSite, files: NewFiles, now: number): readonly string[] {
  const { tls, hostname, account, isRoot } = site;
  if (tls === undefined) return [];
  const made = makeSelfSigned(comparableDomain(hostname), now);
  const mode = isRoot ? ROOTS_MODES.file : OWN_MODES.file;
  const owner = account === undefined ? {} : { owner: account };
  files.write(tls.key, made.key, { mode: KEY_MODE, ...owner });
  files.write(tls.certificate, made.certificate, { mode });
  const until = new Date(made.expiresAt).toISOString().slice(0, 10);
  const later =
    isRoot && account === undefined
      ? [`left ${tls.key} to \`gw service install\`, which gives it to the user ${USER_DEFAULT}`]
      : [];
  return [
    `wrote ${tls.key}`,
    `wrote ${tls.certificate}, self-signed for ${hostname} until ${until}`,
    ...later,
  ];
}

function makeDataFolder(path: string, account: Account | undefined, isRoot: boolean): string {
  if (existsSync(path)) return `left the folder ${path} as it is: it was there already`;
  if (account !== undefined) {
    giveFolder(path, account);
    return `made the folder ${path} for ${account.name}`;
  }
  // Made by root now, it would be closed to the user that comes later.
  if (isRoot) {
    return `left ${path} to \`gw service install\`, which makes the user ${USER_DEFAULT} for it`;
  }
  mkdirSync(path, { recursive: true, mode: OWN_MODES.folder });
  return `made the folder ${path}`;
}

/** The DNS records that bring mail to the gateway, and tell others who sends for the domains. */
export function dnsRecords({ domains, hostname }: FirstSite): readonly string[] {
  // RFC 7208 §3.1 and RFC 7489 §6.1: both are TXT records; masks stand for domains that nobody named.
  const named = domains.filter((domain) => !domain.startsWith("*.")).map(comparableDomain);
  return [
    `${hostname}. A <address of this host>`,
    ...named.flatMap((domain) => [
      `${domain}. MX 10 ${hostname}.`,
      `${domain}. TXT "v=spf1 mx ~all"`,
      `_dmarc.${domain}. TXT "v=DMARC1; p=none; rua=mailto:postmaster@${domain}"`,
    ]),
  ];
}

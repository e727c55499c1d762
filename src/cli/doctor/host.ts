// What `gw doctor` looks at on the host itself: data folder, disk, memory, clock, certificates.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, type Stats, statfsSync, statSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { join } from "node:path";
import { DAY_MS } from "../../base/clock.ts";
import { describeError } from "../../base/log.ts";
import { hostnameOf } from "../../config/names.ts";
import type { Config } from "../../config/schema.ts";
import { daysLeft, LicenseError } from "../../license/entitlement.ts";
import { Licenses } from "../../license/licenses.ts";
import { roundSize } from "../../text/units.ts";
import { findAccount } from "../service/accounts.ts";
import { type Finding, findingsAbout } from "./finding.ts";

/** A certificate or a licence that ends sooner is spoken of. */
const ENDING_DAYS = 14;
/** gw with a large signature set and a few scans at once. */
const MEMORY_MIN = 768 << 20;
/** Room for some hours of mail beside what must stay free. */
const DISK_FACTOR = 4;
/** Clocks of file servers and hosts differ a little. */
const CLOCK_SLACK_MS = 120_000;
const YEAR_MIN = 2025;
const OTHERS_MAY = 0o077;

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** The data folder: there, a folder, nobody else's, and closed to others. */
export function checkDataFolder(config: Config): Finding {
  const { ok, warn, fail } = findingsAbout("permissions");
  const path = config["server.data_dir"];
  const stat = statOf(path);
  if (stat === undefined) {
    return warn(`${path} is not there`, "gw makes it at its first start, if it may write there");
  }
  if (!stat.isDirectory()) return fail(`${path} is no folder`, "name another server.data_dir");
  if ((stat.mode & OTHERS_MAY) !== 0) {
    const mode = (stat.mode & 0o777).toString(8);
    return fail(`${path} is open to others (mode ${mode})`, `chmod 700 ${path}`);
  }
  const user = config["server.user"];
  const account = user === "" ? undefined : findAccount(user);
  if (user !== "" && account === undefined) {
    return fail(
      `there is no user ${user}`,
      "gw service install makes it; or name another (server.user)",
    );
  }
  if (account !== undefined && stat.uid !== account.uid) {
    return fail(`${path} does not belong to ${user}`, `chown -R ${user} ${path}`);
  }
  return ok(`${path} is open to its owner only`);
}

/** Free space on the disk of the data folder. */
export function checkDisk(config: Config): Finding {
  const { ok, warn, fail, unknown } = findingsAbout("disk");
  const path = config["server.data_dir"];
  const least = config["store.free_space_min"];
  try {
    const { bavail, bsize, files, ffree } = statfsSync(path);
    const free = bavail * bsize;
    const text = `${roundSize(free)} free at ${path}`;
    if (free < least) return fail(`${text}: mail is deferred`, "make room");
    if (files > 0 && ffree < files / 100) return fail("nearly no inodes left", "make room");
    return free < least * DISK_FACTOR ? warn(text, "make room soon") : ok(text);
  } catch (error) {
    return unknown(describeError(error), "see permissions");
  }
}

/** Memory of the host. */
export function checkMemory(): Finding {
  const { ok, warn } = findingsAbout("memory");
  const text = `${roundSize(freemem())} of ${roundSize(totalmem())} free`;
  const remedy = `gw wants ${roundSize(MEMORY_MIN)}; lower scan.workers, or give the host more`;
  return totalmem() < MEMORY_MIN ? warn(text, remedy) : ok(text);
}

/** The clock: delays, licences, certificates and signatures of mail go by it. */
export function checkClock(config: Config, now: number): Finding {
  const { ok, fail } = findingsAbout("clock");
  const shown = new Date(now).toISOString();
  const remedy = "set the clock, and let NTP keep it";
  if (new Date(now).getUTCFullYear() < YEAR_MIN) return fail(`it is said to be ${shown}`, remedy);
  const files = ["gw.db", "gw.db-wal"].map((name) => join(config["server.data_dir"], name));
  const latest = Math.max(0, ...files.map((file) => statOf(file)?.mtimeMs ?? 0));
  if (latest > now + CLOCK_SLACK_MS) {
    return fail(`it is said to be ${shown}, and mail has been written later`, remedy);
  }
  return ok(shown);
}

/** Licences for feeds, if there are any: proven, and not ending soon. */
export function checkLicenses(config: Config, now: number): readonly Finding[] {
  const { ok, warn, fail } = findingsAbout("licence");
  return new Licenses(config["server.data_dir"]).list().map(({ file, license }) => {
    if (license instanceof LicenseError) {
      return fail(`${file}: ${license.message}`, "gw license install takes a better one");
    }
    const { holder } = license.entitlement;
    const days = daysLeft(license.entitlement, now);
    if (days < 0) return fail(`that of ${holder} has ended`, "gw license install takes a new one");
    const text = `that of ${holder} is good for ${days} days`;
    return days < ENDING_DAYS ? warn(text, "renew it") : ok(text);
  });
}

/** Certificates of the doors: readable, matching their keys, for this name, not ending soon. */
export function checkCertificates(config: Config, now: number): readonly Finding[] {
  const own = { certificate: config["inbound.tls_certificate"], key: config["inbound.tls_key"] };
  const all = [own, ...config.certificate].filter(({ certificate }) => certificate !== "");
  if (all.length === 0) {
    const { warn } = findingsAbout("certificate");
    return [warn("none: mail comes in unencrypted", "set inbound.tls_certificate and tls_key")];
  }
  return all.map(({ certificate, key }, index) => {
    const name = index === 0 ? hostnameOf(config) : "";
    return checkCertificate({ file: certificate, key, name }, now);
  });
}

function checkCertificate(
  given: { file: string; key: string; name: string },
  now: number,
): Finding {
  const { ok, warn, fail } = findingsAbout("certificate");
  const { file, key, name } = given;
  try {
    const certificate = new X509Certificate(readFileSync(file));
    if (!certificate.checkPrivateKey(createPrivateKey(readFileSync(key)))) {
      return fail(`${key} is not the key of ${file}`, "name the key that belongs to it");
    }
    const days = Math.floor((Date.parse(certificate.validTo) - now) / DAY_MS);
    if (days < 0) return fail(`${file} ended on ${certificate.validTo}`, "renew it");
    if (Date.parse(certificate.validFrom) > now) {
      return fail(`${file} begins on ${certificate.validFrom}`, "look at the clock");
    }
    if (days < ENDING_DAYS) return warn(`${file} ends in ${days} days`, "renew it");
    if (name !== "" && certificate.checkHost(name) === undefined) {
      return warn(`${file} is not for ${name}`, "get one for the name in MX records");
    }
    return ok(`${file} is good for ${days} days`);
  } catch (error) {
    return fail(`${file}: ${describeError(error)}`, "gw must be able to read both files");
  }
}

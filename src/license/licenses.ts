// The entitlements of one data folder: which there are, and which of them opens a feed now. None of
// them ever decides whether mail is scanned.
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeAtomically } from "../base/file/atomic-file.ts";
import {
  beginOf,
  checkTime,
  endOf,
  LICENSE_SIZE_MAX,
  LicenseError,
  readEntitlement,
  type SignedEntitlement,
} from "./entitlement.ts";

/** A feed as licences see it. */
export interface LicensedFeed {
  readonly name: string;
  /** Public key of whoever may issue entitlements for it, hexadecimal. */
  readonly key: string;
}

/** A file that was installed. */
export interface InstalledLicense {
  readonly file: string;
  /** What it says; or what is wrong with it by now. */
  readonly license: SignedEntitlement | LicenseError;
}

/** `active`: opens its feed now. `reserve`: will, or could. */
export type Standing = "active" | "reserve" | "expired" | "of no use";

const FOLDER = "licenses";
const EXTENSION = ".lic";
const FILES_MAX = 1000;

/** Checks that an entitlement is for one of the feeds that are configured. Throws LicenseError. */
export function checkFeeds(
  { entitlement, key }: SignedEntitlement,
  feeds: readonly LicensedFeed[],
): void {
  const own = feeds.filter((feed) => feed.key === key);
  if (own.length === 0) {
    const reason = `licence ${entitlement.id} is signed with ${key.slice(0, 16)}…, which is the licence_key of no [[feed]]`;
    throw new LicenseError("wrong key", reason);
  }
  if (own.some(({ name }) => entitlement.feeds.includes(name))) return;
  const names = (list: readonly string[]) => list.map((name) => `"${name}"`).join(", ");
  const reason = `licence ${entitlement.id} is for ${names(entitlement.feeds)}, not for ${names(own.map(({ name }) => name))}`;
  throw new LicenseError("other feed", reason);
}

/** Whether an entitlement is for a feed, whatever the time is. */
function isFor({ entitlement, key }: SignedEntitlement, feed: LicensedFeed): boolean {
  return key === feed.key && entitlement.feeds.includes(feed.name);
}

/** The entitlements of one data folder. */
export class Licenses {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, FOLDER);
  }

  /** All that are installed, by name of file. Each is proven anew: the disk is not trusted. */
  list(): InstalledLicense[] {
    if (!existsSync(this.#folder)) return [];
    const names = readdirSync(this.#folder).filter((name) => name.endsWith(EXTENSION));
    return names
      .sort()
      .slice(0, FILES_MAX)
      .map((name) => {
        const file = join(this.#folder, name);
        try {
          return { file, license: readLicense(file) };
        } catch (error) {
          if (error instanceof LicenseError) return { file, license: error };
          const { message } = error as Error;
          return { file, license: new LicenseError("malformed", message) };
        }
      });
  }

  /** Those that can be relied on. */
  #good(): SignedEntitlement[] {
    return this.list()
      .map(({ license }) => license)
      .filter((license): license is SignedEntitlement => !(license instanceof LicenseError));
  }

  /** Keeps an entitlement; one with the same id is replaced. */
  install({ entitlement, text }: SignedEntitlement): void {
    makeFolder(this.#folder);
    writeAtomically(join(this.#folder, entitlement.id + EXTENSION), text);
  }

  /** Takes one away; false if there is none. */
  remove(id: string): boolean {
    const known = this.list().find(({ file }) => file === join(this.#folder, id + EXTENSION));
    if (known === undefined) return false;
    rmSync(known.file);
    return true;
  }

  /** The entitlement that opens a feed now. Throws LicenseError, with the best reason there is. */
  activeFor(feed: LicensedFeed, now: number): SignedEntitlement {
    const own = this.#good().filter((license) => isFor(license, feed));
    const valid = own.filter(({ entitlement }) => isOpen(entitlement, now));
    // What ends first is used first; the others are its reserve.
    const [active] = valid.sort((a, b) => endOf(a.entitlement) - endOf(b.entitlement));
    if (active !== undefined) return active;
    const next = own.find(({ entitlement }) => now < beginOf(entitlement));
    const last = own.sort((a, b) => endOf(b.entitlement) - endOf(a.entitlement))[0];
    const nearest = next ?? last;
    if (nearest !== undefined) checkTime(nearest.entitlement, now);
    const broken = this.list().find(({ license }) => license instanceof LicenseError);
    if (broken !== undefined) throw broken.license;
    const reason = `feed ${feed.name} needs a licence, and none is installed (gw license install)`;
    throw new LicenseError("missing", reason);
  }

  /** What an entitlement is good for at a moment. */
  standingOf(license: SignedEntitlement, feeds: readonly LicensedFeed[], now: number): Standing {
    const own = feeds.filter((feed) => isFor(license, feed));
    if (own.length === 0) return "of no use";
    if (now >= endOf(license.entitlement)) return "expired";
    const isActive = own.some((feed) => {
      try {
        return this.activeFor(feed, now).text === license.text;
      } catch {
        // No licence opens it now.
        return false;
      }
    });
    return isActive ? "active" : "reserve";
  }
}

function isOpen(entitlement: SignedEntitlement["entitlement"], now: number): boolean {
  return now >= beginOf(entitlement) && now < endOf(entitlement);
}

/** Reads a licence file. Throws LicenseError, and what the system says of the file. */
export function readLicense(path: string): SignedEntitlement {
  if (statSync(path).size > LICENSE_SIZE_MAX) {
    throw new LicenseError("malformed", "the licence file is malformed: it is too large");
  }
  return readEntitlement(readFileSync(path, "utf8"));
}

// Masks of envelope addresses: lists from the configuration, and files of masks that are read again
// when they change. Upper and lower case are alike, and so are the two forms of a domain's name.
import { domainToASCII } from "node:url";
import type { Clock } from "../base/clock.ts";
import { fileStampIfSeen } from "../base/file/file-stamp.ts";
import { describeError, type Log } from "../base/log.ts";
import { ConfigError, readRegular } from "../config/file/text-file.ts";
import { matchesWildcard } from "../text/wildcard.ts";

/** Largest file of masks, bytes. */
const FILE_SIZE_MAX = 16 * 1024 * 1024;
/** Most masks of one file. */
const FILE_MASKS_MAX = 500_000;
const LINE_LENGTH_MAX = 320;
/** How often a file is looked at, milliseconds. */
const LOOK_MS = 1_000;

/** What lists of masks work with. */
export interface MaskParts {
  readonly clock: Clock;
  readonly log: Log;
}

/** An address in the form in which it is compared. */
export function foldAddress(address: string): string {
  const folded = address.normalize("NFC").toLowerCase();
  const at = folded.lastIndexOf("@");
  const domain = folded.slice(at + 1);
  // RFC 5890 §2.3.2.1: the two forms of a label are one name. Masks keep their stars.
  const isAscii = /^[\0-\x7f]*$/.test(domain);
  const ascii = isAscii ? domain : domainToASCII(domain) || domain;
  return folded.slice(0, at + 1) + ascii;
}

// Exact addresses and whole domains are by far the most, and looked up at once.
class MaskSet {
  readonly #exact = new Set<string>();
  readonly #wild: string[] = [];

  constructor(masks: Iterable<string>) {
    for (const mask of masks) {
      const folded = foldAddress(mask);
      const isDomain = folded.startsWith("*@") && !/[*?]/.test(folded.slice(2));
      if (isDomain || !/[*?]/.test(folded)) this.#exact.add(folded);
      else this.#wild.push(folded);
    }
  }

  /** `address` is folded; the null sender is "". */
  has(address: string): boolean {
    if (address === "") return this.#exact.has("<>") || this.#wild.includes("*");
    if (this.#exact.has(address)) return true;
    if (this.#exact.has(`*${address.slice(address.lastIndexOf("@"))}`)) return true;
    return this.#wild.some((mask) => matchesWildcard(mask, address));
  }
}

/** The masks of a file; throws ConfigError. Lines that begin with # say nothing. */
export function readMaskFile(path: string): string[] {
  const masks: string[] = [];
  for (const [index, line] of readRegular(path, FILE_SIZE_MAX).split("\n").entries()) {
    const mask = line.trim();
    if (mask === "" || mask.startsWith("#")) continue;
    if (mask.length > LINE_LENGTH_MAX || /\s/.test(mask)) {
      const found = `"${mask.slice(0, 60)}"`;
      throw new ConfigError(
        `${path}:${index + 1}: ${found} is no address and no mask of addresses`,
      );
    }
    // A list that is cut short would let through, or refuse, what it says nothing of.
    if (masks.length >= FILE_MASKS_MAX) {
      throw new ConfigError(`${path}:${index + 1}: more than ${FILE_MASKS_MAX} masks`);
    }
    masks.push(mask);
  }
  return masks;
}

class MaskFile {
  readonly #path: string;
  readonly #parts: MaskParts;
  #set: MaskSet;
  #mark: string;
  #lookAt: number;

  constructor(path: string, parts: MaskParts) {
    this.#path = path;
    this.#parts = parts;
    this.#mark = fileStampIfSeen(path);
    this.#set = new MaskSet(readMaskFile(path));
    this.#lookAt = parts.clock.steady() + LOOK_MS;
  }

  has(address: string): boolean {
    const now = this.#parts.clock.steady();
    if (now >= this.#lookAt) {
      this.#lookAt = now + LOOK_MS;
      this.#renew();
    }
    return this.#set.has(address);
  }

  #renew(): void {
    const { log } = this.#parts;
    const mark = fileStampIfSeen(this.#path);
    if (mark === this.#mark) return;
    this.#mark = mark;
    try {
      this.#set = new MaskSet(readMaskFile(this.#path));
      log.info("list-loaded", { file: this.#path });
    } catch (error) {
      // The list that was read before holds on: an editor may be writing the file just now.
      log.error("list-not-loaded", { file: this.#path, cause: describeError(error) });
    }
  }
}

/** A list of masks, with its files. */
export class AddressMasks {
  readonly #set: MaskSet;
  readonly #files: readonly MaskFile[];

  /** Throws for a file that can't be read. */
  constructor(masks: readonly string[], parts: MaskParts) {
    const isFile = (mask: string) => mask.startsWith("file:");
    this.#set = new MaskSet(masks.filter((mask) => !isFile(mask)));
    this.#files = masks.filter(isFile).map((mask) => new MaskFile(mask.slice(5), parts));
  }

  /** Whether an address (as `foldAddress` gives it; "" for the null sender) is in the list. */
  has(address: string): boolean {
    return this.#set.has(address) || this.#files.some((file) => file.has(address));
  }
}

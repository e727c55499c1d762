// The folder that freshclam keeps, or any with ClamAV's databases in it: taken when it changes, and
// only if each container in it is signed as it must be.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type FilesOptions, FilesSource } from "../files/source.ts";
import { type Fetched, type FetchJob, type Source, UpdateError } from "../source.ts";
import { readHeader } from "./header.ts";
import type { ClamavTrust, SeenSigns } from "./trust.ts";

/** Extensions of containers. */
const CONTAINER = /^(.*)\.(cvd|cld|cud)$/i;
const SIGN_SIZE_MAX = 256 * 1024;

/** A folder of ClamAV's databases. */
export class ClamavFolder implements Source {
  readonly name: string;
  readonly #files: FilesSource;
  readonly #trust: ClamavTrust;

  constructor(options: FilesOptions, trust: ClamavTrust) {
    this.name = options.name;
    // .sign files are looked at, and compiled by nobody.
    const isWanted = (name: string) => options.isWanted(name) || name.endsWith(".sign");
    this.#files = new FilesSource({ ...options, isWanted });
    this.#trust = trust;
  }

  async fetch(job: FetchJob): Promise<Fetched> {
    const fetched = await this.#files.fetch(job);
    if (fetched.kind === "unchanged") return fetched;
    const versions: string[] = [];
    for (const name of fetched.files) {
      const [, stem = "", extension = ""] = CONTAINER.exec(name) ?? [];
      if (stem === "") continue;
      versions.push(this.#check(job, { name, stem, extension }, fetched.files));
    }
    if (versions.length === 0) return fetched;
    return { ...fetched, version: versions.join(", ") };
  }

  #check(
    job: FetchJob,
    { name, stem, extension }: { name: string; stem: string; extension: string },
    files: readonly string[],
  ): string {
    const bytes = readFileSync(join(job.staging, name));
    const version = readHeader(bytes)?.version;
    if (version === undefined) throw new UpdateError("invalid", `${name} is no ClamAV container`);
    this.#trust.open(name, bytes);
    if (extension === "cvd") {
      const versioned = `${stem}-${version}.cvd`;
      const sign = files.find((each) => each === `${versioned}.sign`);
      const text =
        sign && readFileSync(join(job.staging, sign), "latin1").slice(0, SIGN_SIZE_MAX + 1);
      const { kept } = job.state;
      kept["signs"] ??= {};
      const file = { name: versioned, kind: name, bytes };
      this.#trust.checkSign(file, text, kept["signs"] as SeenSigns);
    }
    return `${stem} ${version}`;
  }
}

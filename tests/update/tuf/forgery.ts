// Documents of a feed as an attacker would change them: any field, signed with any keys.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canonicalize } from "@tufjs/canonical-json";
import { type SigningKey, signHex } from "../../../src/base/key/signing-key.ts";
import { findKeys } from "../../../src/update/publish/keys.ts";
import type { Role } from "../../../src/update/roles.ts";
import type { TestFeed } from "../../harness/feed.ts";

/** A signed part as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: forged on purpose, in any shape
export type Json = any;

/** Documents of a test's feed, to be changed. */
export class Forgery {
  readonly #feed: TestFeed;

  constructor(feed: TestFeed) {
    this.#feed = feed;
  }

  get metadata(): string {
    return join(this.#feed.feed.publicFolder, "metadata");
  }

  get targets(): string {
    return join(this.#feed.feed.publicFolder, "targets");
  }

  /** All private keys of a role: stolen. */
  keys(role: Role): [string, SigningKey][] {
    const { keysFolder } = this.#feed.feed;
    const names = readdirSync(keysFolder).filter((name) => name.startsWith(role));
    const paths = names.map((name) => join(keysFolder, name));
    return [...findKeys(paths, undefined).ring].map(([id, key]) => [id, key.open()]);
  }

  read(file: string): { signed: Json; signatures: Json[] } {
    return JSON.parse(readFileSync(join(this.metadata, file), "utf8"));
  }

  write(file: string, document: unknown): void {
    const text = typeof document === "string" ? document : JSON.stringify(document);
    writeFileSync(join(this.metadata, file), text);
  }

  /** A document with signatures by these keys. */
  sign(signed: Json, keys: readonly (readonly [string, SigningKey])[]): Json {
    const bytes = Buffer.from(canonicalize(signed));
    const signatures = keys.map(([keyid, key]) => ({ keyid, sig: signHex(bytes, key) }));
    return { signed, signatures };
  }

  /** Changes a document and signs it with all keys of its role. */
  change(file: string, role: Role, change: (signed: Json) => void, to = file): void {
    const { signed } = this.read(file);
    change(signed);
    this.write(to, this.sign(signed, this.keys(role)));
  }

  /** The newest version of a role. */
  version(role: "root" | "targets" | "snapshot"): number {
    return this.#feed.feed.repository.versionsOf(role).at(-1) ?? 0;
  }

  /**
   * What somebody who has the snapshot and timestamp keys can do: a new snapshot, changed, and a new
   * timestamp for it.
   */
  online(change: { snapshot?: (signed: Json) => void; timestamp?: (signed: Json) => void }): void {
    const old = this.version("snapshot");
    const made = this.read(`${old}.snapshot.json`).signed;
    made.version = old + 1;
    for (const meta of Object.values<Json>(made.meta)) delete meta.length;
    change.snapshot?.(made);
    this.write(`${made.version}.snapshot.json`, this.sign(made, this.keys("snapshot")));
    this.change("timestamp.json", "timestamp", (signed) => {
      signed.version++;
      signed.meta["snapshot.json"] = { version: made.version };
      change.timestamp?.(signed);
    });
  }

  /** A next targets document, changed, and what leads to it. */
  release(
    change: (signed: Json) => void,
    keys: readonly (readonly [string, SigningKey])[] = this.keys("targets"),
  ): void {
    const old = this.version("targets");
    const { signed } = this.read(`${old}.targets.json`);
    signed.version = old + 1;
    change(signed);
    this.write(`${old + 1}.targets.json`, this.sign(signed, keys));
    this.online({
      snapshot: (snapshot) => {
        snapshot.meta["targets.json"] = { version: old + 1 };
      },
    });
  }

  /** A next root, changed, signed by `keys`. */
  root(change: (signed: Json) => void, keys: readonly (readonly [string, SigningKey])[]): void {
    const old = this.version("root");
    const { signed } = this.read(`${old}.root.json`);
    signed.version = old + 1;
    change(signed);
    this.write(`${old + 1}.root.json`, this.sign(signed, keys));
  }
}

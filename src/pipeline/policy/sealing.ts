// Who signs a message that gw has changed. DKIM only where the message is known to be of the domain:
// a signature of ours under a forged From would make the forgery look genuine.

import { resultsField } from "../../authentication/results-field.ts";
import type { Clock } from "../../base/clock.ts";
import { fileStamp } from "../../base/file/file-stamp.ts";
import { describeError, type Log } from "../../base/log.ts";
import type { SigningSettings } from "../../config/tables.ts";
import type { Authentication, Client, Envelope } from "../../message.ts";
import { readSigningKey } from "../../treat/seal/keys.ts";
import { fromDomain, type Sealed, type SigningKey, seal } from "../../treat/seal/seal.ts";

/** What signing works with. */
export interface SealingParts {
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The settings in force. */
  readonly rows: () => readonly SigningSettings[];
  /** Whether a client is one of the site's own. */
  readonly isInside: (client: Client) => boolean;
}

/** A message that was changed, and where it came from. */
export interface Changed {
  readonly bytes: Uint8Array;
  readonly client: Client;
  readonly envelope: Envelope;
}

interface KeptKey {
  readonly stamp: string;
  readonly privateKey: string | undefined;
}

/** Signs what gw has changed, by the rows of the configuration. */
export class Sealing {
  readonly #parts: SealingParts;
  readonly #keys = new Map<string, KeptKey>();

  constructor(parts: SealingParts) {
    this.#parts = parts;
  }

  /** The message with its signatures; as it is where no row is for it. */
  async apply({ bytes, client, envelope }: Changed): Promise<Sealed> {
    const rows = this.#parts.rows();
    if (rows.length === 0) return { bytes, notes: [] };
    const { authentication } = envelope;
    const isInside = this.#parts.isInside(client);
    const from = fromDomain(bytes);
    const own = rows.find(({ dkim, domain }) => dkim && from !== undefined && isOf(from, domain));
    const isKnown = own !== undefined && (isInside || hasSigned(authentication, own.domain));
    const dkim = isKnown ? this.#key(own) : undefined;
    const sealer = rows.find((row) => row.arc);
    const key = sealer === undefined ? undefined : this.#key(sealer);
    const results = resultsOf(this.#parts.hostname, envelope);
    const chain = chainOf(authentication);
    return await seal({
      ...{ bytes, now: this.#parts.clock.now() },
      ...(dkim && { dkim }),
      ...(key && { arc: { key, results, chain } }),
    });
  }

  // A key that can't be read any more is logged once; mail goes on without its signature.
  #key({ domain, selector, key: path }: SigningSettings): SigningKey | undefined {
    const stamp = fileStamp(path);
    let kept = this.#keys.get(path);
    if (kept?.stamp !== stamp) {
      let privateKey = kept?.privateKey;
      try {
        privateKey = readSigningKey(path);
      } catch (error) {
        this.#parts.log.error("signing-key-not-used", { path, cause: describeError(error) });
      }
      kept = { stamp, privateKey };
      this.#keys.set(path, kept);
    }
    const { privateKey } = kept;
    return privateKey === undefined ? undefined : { domain, selector, privateKey };
  }
}

function isOf(domain: string, parent: string): boolean {
  const wanted = parent.toLowerCase();
  return domain === wanted || domain.endsWith(`.${wanted}`);
}

function hasSigned(authentication: Authentication | undefined, domain: string): boolean {
  const all = authentication?.dkim ?? [];
  return all.some(({ result, domain: signer }) => result === "pass" && isOf(signer, domain));
}

function chainOf(authentication: Authentication | undefined): "pass" | "fail" | undefined {
  const result = authentication?.arc.result;
  return result === "pass" || result === "fail" ? result : undefined;
}

// What an Authentication-Results field says, on one line; "none": nothing was checked. RFC 8601 §2.2.
function resultsOf(hostname: string, { authentication, sender }: Envelope): string {
  if (authentication === undefined) return `${hostname}; none`;
  const field = resultsField(hostname, authentication, { isNullSender: sender === "" });
  return field
    .slice(field.indexOf(":") + 1)
    .replaceAll(/\s+/g, " ")
    .trim();
}

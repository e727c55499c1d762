// Which part of the traffic a watcher wants to see.
import { IpRanges } from "../../base/ip-range.ts";
import { foldAddress } from "../../policy/mask.ts";
import { matchesWildcard } from "../../text/wildcard.ts";

/** What a watcher asks for; "" for everything. */
export interface TraceWish {
  /** Address or network of the client. */
  readonly ip: string;
  /** Mask of the envelope sender. */
  readonly from: string;
  /** Mask of an envelope recipient. */
  readonly to: string;
}

const MASK_LENGTH_MAX = 320;

/** A wish as a question. */
export class TraceFilter {
  /** False if senders and recipients don't matter. */
  readonly isOfEnvelopes: boolean;
  /** False if clients don't matter. */
  readonly isOfClients: boolean;
  readonly #networks: IpRanges | undefined;
  readonly #from: string;
  readonly #to: string;

  /** Throws what is wrong with the wish. */
  constructor({ ip, from, to }: TraceWish) {
    if (from.length > MASK_LENGTH_MAX || to.length > MASK_LENGTH_MAX) {
      throw new Error(`a mask of addresses has ${MASK_LENGTH_MAX} characters at most`);
    }
    this.#networks = ip === "" ? undefined : new IpRanges([ip]);
    this.#from = foldAddress(from);
    this.#to = foldAddress(to);
    this.isOfClients = ip !== "";
    this.isOfEnvelopes = from !== "" || to !== "";
  }

  isClient(address: string): boolean {
    return this.#networks?.contains(address) ?? true;
  }

  /** `<>` is the mask of the null sender. */
  isSender(address: string): boolean {
    if (this.#from === "") return true;
    return this.#matches(this.#from, address === "" ? "<>" : address);
  }

  isOneOf(recipients: readonly string[]): boolean {
    return this.#to === "" || recipients.some((one) => this.#matches(this.#to, one));
  }

  // A mask without stars and @ is a part of an address, as people type it.
  #matches(mask: string, address: string): boolean {
    const folded = foldAddress(address);
    if (!/[*?@<]/.test(mask)) return folded.includes(mask);
    return matchesWildcard(mask, folded);
  }
}

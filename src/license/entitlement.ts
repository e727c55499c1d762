// An entitlement: a file in which whoever runs a feed says who may have it, and how long. Three lines
// of text, the middle one signed, so that it can be read by people and not be changed by anybody.
//
//   gw license 1
//   {"id":"…","holder":"…","feeds":["…"],"from":"2026-12-01","until":"2027-12-01",…}
//   ed25519 PUBLIC-KEY SIGNATURE
import { DAY_MS } from "../base/clock.ts";
import { isSignedBy, type SigningKey, signHex } from "../base/key/signing-key.ts";

/** What an entitlement says. */
export interface Entitlement {
  /** Of whoever issued it; also the name of its file here. */
  readonly id: string;
  readonly holder: string;
  /** Names of feeds that it opens. */
  readonly feeds: readonly string[];
  /** First and last day, `2026-12-01`, both included; days of UTC. */
  readonly from: string;
  readonly until: string;
  /** Bytes of mail a day that it is for; 0: any number. */
  readonly trafficPerDay: number;
  /** Mailboxes that it is for; 0: any number. For people: gw does not count them. */
  readonly mailboxes: number;
}

/** An entitlement with what proves it. */
export interface SignedEntitlement {
  readonly entitlement: Entitlement;
  /** Public key of the issuer, hexadecimal. */
  readonly key: string;
  /** The file, as it is kept. */
  readonly text: string;
}

/** What is wrong with a file; the message says it. */
export class LicenseError extends Error {
  override readonly name = "LicenseError";
  readonly kind: LicenseFault;

  constructor(kind: LicenseFault, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Kinds of what may be wrong with an entitlement. */
export type LicenseFault =
  | "malformed"
  | "tampered"
  | "wrong key"
  | "other feed"
  | "expired"
  | "not yet valid"
  | "missing";

const MAGIC = "gw license 1";
/** Most bytes of a file. */
export const LICENSE_SIZE_MAX = 16 * 1024;
const TEXT_LENGTH_MAX = 200;
const FEEDS_MAX = 100;

function malformed(what: string): never {
  throw new LicenseError("malformed", `the licence file is malformed: ${what}`);
}

const isText = (value: unknown): value is string =>
  typeof value === "string" &&
  value !== "" &&
  value.length <= TEXT_LENGTH_MAX &&
  !/\p{Cc}/u.test(value);

const isDay = (value: unknown): value is string =>
  typeof value === "string" &&
  /^\d{4}-\d\d-\d\d$/.test(value) &&
  !Number.isNaN(Date.parse(value)) &&
  new Date(value).toISOString().startsWith(value);

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** What is wrong with the fields, by name; undefined if nothing is. */
function wrongField(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "it says nothing";
  const { id, holder, feeds, from, until, trafficPerDay, mailboxes } = value as Record<
    keyof Entitlement,
    unknown
  >;
  if (typeof id !== "string" || !/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(id)) return "id";
  if (!isText(holder)) return "holder";
  const isList = Array.isArray(feeds) && feeds.length > 0 && feeds.length <= FEEDS_MAX;
  if (!isList || !feeds.every(isText)) return "feeds";
  if (!isDay(from)) return "from";
  if (!isDay(until) || until < from) return "until";
  if (!isCount(trafficPerDay)) return "trafficPerDay";
  return isCount(mailboxes) ? undefined : "mailboxes";
}

/** Signs an entitlement; gives the text of its file. Throws LicenseError for fields that can't be. */
export function signEntitlement(entitlement: Entitlement, key: SigningKey): string {
  const wrong = wrongField(entitlement);
  if (wrong !== undefined) malformed(wrong);
  const signed = `${MAGIC}\n${JSON.stringify(entitlement)}\n`;
  return `${signed}ed25519 ${key.publicHex} ${signHex(Buffer.from(signed), key)}\n`;
}

/** Reads a file and checks that it is as its issuer wrote it. Throws LicenseError. */
export function readEntitlement(text: string): SignedEntitlement {
  if (text.length > LICENSE_SIZE_MAX) malformed("it is too large");
  const [magic, line = "", proof = "", rest, ...more] = text.split("\n");
  if (magic !== MAGIC) malformed(`its first line is not "${MAGIC}"`);
  const [, key = "", signature = ""] = /^ed25519 ([0-9a-f]{64}) ([0-9a-f]{128})$/.exec(proof) ?? [];
  if (key === "" || rest !== "" || more.length > 0) malformed("its last line is no signature");
  if (!isSignedBy(Buffer.from(`${magic}\n${line}\n`), signature, key)) {
    throw new LicenseError("tampered", "the licence was changed after it was signed");
  }
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // Its issuer signed something else than an entitlement.
    malformed("its second line is not JSON");
  }
  const wrong = wrongField(value);
  if (wrong !== undefined) malformed(wrong);
  return { entitlement: value as Entitlement, key, text };
}

/** When an entitlement begins, milliseconds since the epoch. */
export function beginOf({ from }: Entitlement): number {
  return Date.parse(from);
}

/** When it has ended: the first moment after its last day. */
export function endOf({ until }: Entitlement): number {
  return Date.parse(until) + DAY_MS;
}

/** Throws LicenseError if a moment is outside of an entitlement's time. */
export function checkTime(entitlement: Entitlement, now: number): void {
  const { id, from, until } = entitlement;
  if (now < beginOf(entitlement)) {
    throw new LicenseError("not yet valid", `licence ${id} is valid from ${from} on`);
  }
  if (now >= endOf(entitlement)) {
    throw new LicenseError("expired", `licence ${id} expired: its last day was ${until}`);
  }
}

/** Whole days that are left, 0 on the last one; negative when it is over. */
export function daysLeft(entitlement: Entitlement, now: number): number {
  return Math.ceil((endOf(entitlement) - now) / DAY_MS) - 1;
}

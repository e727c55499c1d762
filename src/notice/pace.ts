// How many notices one mailbox gets: up to a number in an hour each by itself, then none until a
// digest tells all of them at once. Pure: a receiver's row in, the row to keep out.

/** A notice that is waiting for a digest. */
export interface HeldNotice {
  readonly at: number;
  /** Queue id of the message it is about. */
  readonly id: string;
  readonly subject: string;
}

/** What is remembered of one receiver. */
export interface PaceRow {
  readonly receiver: string;
  /** When the hour began that is counted in, milliseconds since the epoch. */
  readonly since: number;
  readonly sent: number;
  readonly held: readonly HeldNotice[];
  /** Notices beyond those that are held: only counted. */
  readonly dropped: number;
}

/** Notices to one receiver in `windowMs` that are sent by themselves. */
export interface PaceLimits {
  readonly perWindow: number;
  readonly windowMs: number;
}

/** Lines of a digest; beyond that notices are counted. */
export const HELD_MAX = 500;

/** What becomes of a notice: sent now, or held for the digest. */
export interface Paced {
  readonly isSent: boolean;
  readonly row: PaceRow;
}

/** Decides on one notice to `receiver`. */
export function pace(
  row: PaceRow | undefined,
  receiver: string,
  notice: HeldNotice,
  limits: PaceLimits,
): Paced {
  const fresh = { receiver, since: notice.at, sent: 0, held: [], dropped: 0 };
  const known = row ?? fresh;
  const isWaiting = known.held.length > 0;
  // While a digest is due nothing overtakes it: the order in the mailbox stays that of the events.
  if (isWaiting || (known.sent >= limits.perWindow && !isOver(known, notice.at, limits))) {
    const isFull = known.held.length >= HELD_MAX;
    const held = isFull ? known.held : [...known.held, notice];
    return { isSent: false, row: { ...known, held, dropped: known.dropped + (isFull ? 1 : 0) } };
  }
  const counted = isOver(known, notice.at, limits) ? fresh : known;
  return { isSent: true, row: { ...counted, sent: counted.sent + 1 } };
}

/** Whether a receiver's digest is due. */
export function isDigestDue(row: PaceRow, now: number, limits: PaceLimits): boolean {
  return row.held.length > 0 && isOver(row, now, limits);
}

/** The row after its digest was sent, which counts as one notice. */
export function afterDigest(row: PaceRow, now: number): PaceRow {
  return { receiver: row.receiver, since: now, sent: 1, held: [], dropped: 0 };
}

/** Whether a row says nothing any more and may be forgotten. */
export function isSpent(row: PaceRow, now: number, limits: PaceLimits): boolean {
  return row.held.length === 0 && isOver(row, now, limits);
}

// A clock that was set back begins a new window instead of holding notices for years.
function isOver(row: PaceRow, now: number, { windowMs }: PaceLimits): boolean {
  return now - row.since >= windowMs || now < row.since;
}

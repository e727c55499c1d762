// Which messages of the queue a command means.
import { RECIPIENTS_MAX } from "../database.ts";

/** Which messages a listing wants; texts match anywhere, without regard to case. */
export interface QueueFilter {
  readonly sender?: string;
  readonly recipient?: string;
  readonly state?: "queued" | "held" | "deferred";
  /** In the last reply or the name of the host that gave it. */
  readonly reply?: string;
  /** Queued at that time or before, milliseconds since the epoch. */
  readonly queuedBefore?: number;
  readonly limit?: number;
}

/** Messages that one listing gives at most. */
export const LIST_MAX = 10_000;

/** Selects the messages of `listValues`, oldest first. */
export const LIST = `SELECT * FROM messages m WHERE place = 0
  AND (?1 IS NULL OR instr(lower(json_extract(record, '$.envelope.sender')), lower(?1)) > 0)
  AND EXISTS (SELECT 1 FROM recipients
    WHERE number BETWEEN m.sequence * ${RECIPIENTS_MAX}
                     AND m.sequence * ${RECIPIENTS_MAX} + ${RECIPIENTS_MAX - 1}
    AND (?2 IS NULL OR instr(lower(address), lower(?2)) > 0)
    AND CASE ?3 WHEN 'queued' THEN state = 0 WHEN 'held' THEN state = 1
                WHEN 'deferred' THEN state = 0 AND attempts > 0 ELSE 1 END
    AND (?4 IS NULL OR instr(lower(last_host || ' ' || last_reply), lower(?4)) > 0)
    AND (?5 IS NULL OR queued_at <= ?5))
  ORDER BY sequence LIMIT ?6`;

/** The values of `LIST`. */
export type ListValues = [
  sender: string | null,
  recipient: string | null,
  state: string | null,
  reply: string | null,
  queuedBefore: number | null,
  limit: number,
];

/** What a filter is in `LIST`. */
export function listValues(filter: QueueFilter): ListValues {
  const { sender = null, recipient = null, state = null, reply = null } = filter;
  const limit = Math.min(filter.limit ?? LIST_MAX, LIST_MAX);
  return [sender, recipient, state, reply, filter.queuedBefore ?? null, limit];
}

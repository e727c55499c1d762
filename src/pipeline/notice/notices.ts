// Notices on their way out: for a message that a rule wants told, each addressee gets one, as a
// message of its own in the queue; beyond a number in an hour a digest tells the rest. A notice that
// can't be sent is logged and never stops mail.

import { type Clock, HOUR_MS } from "../../base/clock.ts";
import { describeError, type Log } from "../../base/log.ts";
import type { MessageIds } from "../../base/message-id.ts";
import type { Body, MessageRecord, Verdict } from "../../message.ts";
import {
  type Addressee,
  addresseesOf,
  type NoticeRole,
  standingOf,
} from "../../notice/audience.ts";
import { composeNotice } from "../../notice/compose.ts";
import { afterDigest, isDigestDue, isSpent, type PaceRow, pace } from "../../notice/pace.ts";
import { digestValues, eventValues, noticeValues } from "../../notice/values.ts";
import { RECEIVERS_MAX } from "../../store/rows/notice-rows.ts";
import type { Store } from "../../store/store.ts";
import type { TemplateKind } from "../../template/macros.ts";
import type { Values } from "../../template/render.ts";
import type { TextRules, Texts } from "../policy/texts.ts";
import type { TreatedDecision } from "../policy/treatment.ts";
import type { TrailShare } from "../trail.ts";
import type { NoticeSettings } from "./settings.ts";

/** What notices are made with. */
export interface NoticeParts {
  readonly store: Store;
  readonly ids: MessageIds;
  readonly texts: Texts;
  readonly hostname: string;
  readonly log: Log;
  readonly clock: Clock;
}

/** A decided message. */
export interface ToldMessage {
  readonly body: Body;
  readonly record: MessageRecord;
  readonly verdict: Verdict;
  readonly decisions: readonly TreatedDecision[];
}

/**
 * Sends the notices once it is known what became of the shares, in the order of the decisions.
 * Never rejects; mail need not wait for it.
 */
export type Tell = (settled: SettledShares) => Promise<void>;

/** What became of the shares, and the copies that were kept. */
export interface SettledShares {
  readonly shares: readonly TrailShare[];
  readonly copies: readonly { readonly place: string; readonly id: string }[];
}

const TEND_EVERY_MS = 15_000;
const HEAD_SIZE_MAX = 65_536;
const KINDS: Readonly<Record<NoticeRole, TemplateKind>> = {
  admin: "notice-admin",
  sender: "notice-sender",
  recipient: "notice-recipient",
};

/** Sends notices, and remembers who got how many. */
export class Notices {
  readonly #parts: NoticeParts;
  readonly #rows = new Map<string, PaceRow>();
  readonly #changed = new Set<string>();
  #settings: NoticeSettings;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(parts: NoticeParts, settings: NoticeSettings) {
    this.#parts = parts;
    this.#settings = settings;
    for (const { receiver, state } of parts.store.notices.load()) {
      this.#rows.set(receiver, JSON.parse(state) as PaceRow);
    }
  }

  /** Takes other settings for what comes. */
  reconfigure(settings: NoticeSettings): void {
    this.#settings = settings;
  }

  /** Begins to look for digests that are due. */
  start(): void {
    this.#timer = setInterval(() => void this.tend(), TEND_EVERY_MS);
    this.#timer.unref?.();
  }

  /** Writes down what is remembered. */
  stop(): void {
    clearInterval(this.#timer);
    this.#save();
  }

  /** Reads what is needed of a message before it is stored away; undefined if nobody is told. */
  async prepare(message: ToldMessage): Promise<Tell | undefined> {
    const isWanted = (decision: TreatedDecision) => {
      const { notify_admin, notify_sender, notify_recipients } = decision.group.rules;
      return [notify_admin, notify_sender, notify_recipients].some((one) => has(one, decision));
    };
    if (!message.decisions.some(isWanted)) return undefined;
    const head = await headOf(message.body);
    return async (settled) => {
      try {
        await this.#tell(message, settled, head);
      } catch (error) {
        const about = message.record.id;
        this.#parts.log.error("notice-failed", { about, cause: describeError(error) });
      }
    };
  }

  /**
   * Tells the administrator what happened to the gateway itself, if there is one. Never rejects: it
   * is in the log as well.
   */
  async tellAdmin(event: string, lines: readonly string[]): Promise<void> {
    const { hostname, clock, log } = this.#parts;
    const { admin, texts: rules } = this.#settings;
    const now = clock.now();
    if (admin === "" || !this.#isSent(admin, { at: now, id: "", subject: event })) return;
    try {
      const values = eventValues({ hostname, now }, { event, lines });
      await this.#send({ to: admin, kind: "event", rules, values, about: "" });
    } catch (error) {
      log.error("notice-failed", { recipient: admin, cause: describeError(error) });
    }
  }

  /** Sends the digests that are due, and forgets what says nothing any more. */
  async tend(): Promise<void> {
    const { clock, hostname, log } = this.#parts;
    const now = clock.now();
    for (const [receiver, row] of this.#rows) {
      if (isDigestDue(row, now, this.#limits)) {
        this.#put(receiver, afterDigest(row, now));
        try {
          const values = digestValues({ hostname, now }, row);
          const { texts: rules } = this.#settings;
          await this.#send({ to: receiver, kind: "digest", rules, values, about: "" });
        } catch (error) {
          this.#put(receiver, row);
          log.error("notice-failed", { recipient: receiver, cause: describeError(error) });
        }
      } else if (isSpent(row, now, this.#limits)) {
        this.#rows.delete(receiver);
        this.#changed.add(receiver);
      }
    }
    this.#save();
  }

  get #limits() {
    return { perWindow: this.#settings.perHourMax, windowMs: HOUR_MS };
  }

  async #tell(message: ToldMessage, settled: SettledShares, head: Buffer): Promise<void> {
    const { shares, copies } = settled;
    const backup = copies.find(({ place }) => place === "backup")?.id ?? "";
    const told = new Set<string>();
    for (const [index, decision] of message.decisions.entries()) {
      const share = shares[index];
      // A client that is asked to come again brings the same message: it is told of then.
      if (share === undefined || share.disposition.kind === "defer") continue;
      for (const addressee of this.#addressees(message, decision, head)) {
        const key = addressee.address.toLowerCase();
        // Whoever is refused in the session knows already.
        const isRefused = addressee.role === "sender" && share.disposition.kind === "reject";
        if (told.has(key) || isRefused) continue;
        told.add(key);
        const vaultId = share.place === "quarantine" ? share.id : backup;
        await this.#one(message, { decision, share, addressee, vaultId });
      }
    }
  }

  #addressees(
    { record }: ToldMessage,
    decision: TreatedDecision,
    head: Buffer,
  ): readonly Addressee[] {
    const { recipients, group } = decision;
    const { notify_admin, notify_sender, notify_recipients } = group.rules;
    const { admin, isLocal, isInside } = this.#settings;
    return addresseesOf({
      wish: {
        admins: has(notify_admin, decision) && admin !== "" ? [admin] : [],
        isToSender: has(notify_sender, decision),
        isToRecipients: has(notify_recipients, decision),
      },
      sender: record.envelope.sender,
      standing: standingOf(record, isInside(record.client)),
      ...{ recipients, isLocal, head },
    });
  }

  async #one(
    { record, verdict }: ToldMessage,
    fate: {
      readonly decision: TreatedDecision;
      readonly share: TrailShare;
      readonly addressee: Addressee;
      readonly vaultId: string;
    },
  ): Promise<void> {
    const { decision, share, addressee, vaultId } = fate;
    const { hostname, clock, log } = this.#parts;
    const now = clock.now();
    const subject = `${decision.status}: ${record.subject}`;
    if (!this.#isSent(addressee.address, { at: now, id: record.id, subject })) {
      log.info("notice-held", { about: record.id, recipient: addressee.address });
      return;
    }
    const values = noticeValues({
      ...{ hostname, now, verdict, done: share.treated, group: decision.group.name, vaultId },
      record: { ...record, envelope: { ...record.envelope, recipients: decision.recipients } },
      disposition: share.disposition,
    });
    await this.#send({
      ...{ to: addressee.address, kind: KINDS[addressee.role], values },
      rules: decision.group.rules,
      about: addressee.role === "admin" ? "" : record.messageId,
    });
  }

  #isSent(address: string, notice: { at: number; id: string; subject: string }): boolean {
    const receiver = address.toLowerCase();
    const known = this.#rows.get(receiver);
    if (known === undefined && this.#rows.size >= RECEIVERS_MAX) return false;
    const { isSent, row } = pace(known, receiver, notice, this.#limits);
    this.#put(receiver, row);
    return isSent;
  }

  async #send(notice: {
    readonly to: string;
    readonly kind: TemplateKind;
    readonly rules: TextRules;
    readonly values: Values;
    readonly about: string;
  }): Promise<void> {
    const { store, ids, texts, hostname, clock, log } = this.#parts;
    const { from } = this.#settings;
    const id = ids.next();
    const now = clock.now();
    const template = texts.template(notice.kind, notice.rules);
    const { to, values, about } = notice;
    const made = composeNotice({ id, hostname, now, from, to, template, values, about });
    const draft = store.draft(id);
    try {
      await draft.write(made.bytes);
      await draft.finish();
      await store.commit(draft, recordOf(id, made, now), "queue");
    } catch (error) {
      draft.discard();
      throw error;
    }
    log.info("notice", { id, kind: notice.kind, recipient: to });
  }

  #put(receiver: string, row: PaceRow): void {
    this.#rows.set(receiver, row);
    this.#changed.add(receiver);
  }

  #save(): void {
    if (this.#changed.size === 0) return;
    const rows = [...this.#changed].map((receiver) => {
      const row = this.#rows.get(receiver);
      return { receiver, state: row === undefined ? "" : JSON.stringify(row) };
    });
    this.#changed.clear();
    try {
      this.#parts.store.notices.save(rows);
    } catch (error) {
      // A full disk: what is remembered is tried again with the next change.
      for (const { receiver } of rows) this.#changed.add(receiver);
      this.#parts.log.error("notices-not-saved", { cause: describeError(error) });
    }
  }
}

// A cured message is told of as what it was and as what it is.
function has(list: readonly string[], { status, isCured }: TreatedDecision): boolean {
  return list.includes(status) || (isCured === true && list.includes("disinfected"));
}

async function headOf(body: Body): Promise<Buffer> {
  if (body.kind === "bytes") return Buffer.from(body.bytes.subarray(0, HEAD_SIZE_MAX));
  const end = body.offset + Math.min(body.size, HEAD_SIZE_MAX);
  return Buffer.from(await Bun.file(body.path).slice(body.offset, end).arrayBuffer());
}

function recordOf(id: string, made: ReturnType<typeof composeNotice>, now: number): MessageRecord {
  return {
    ...{ id, receivedAt: now, trace: "", size: made.bytes.length },
    client: { address: "", port: 0, helo: "", protocol: "local" },
    envelope: made.envelope,
    ...{ messageId: made.messageId, subject: made.subject, status: "clean", findings: [] },
  };
}

// A decided message becomes what it leaves behind: for each way it goes (queue, quarantine, backup,
// archive) one stored message, all of them in one transaction. Recipients of different groups that
// are treated alike share one.

import type { Body, Disposition, Envelope, MessageRecord } from "../message.ts";
import { REPLIES, type Reply } from "../reply.ts";
import type { Draft, NewPart } from "../store/draft.ts";
import type { Place } from "../store/spool/record.ts";
import type { Store } from "../store/store.ts";
import type { TreatedDecision } from "./policy/treatment.ts";
import type { TrailShare } from "./trail.ts";

/** A message whose fate is decided. */
export interface Decided {
  /** The original, finished. */
  readonly draft: Draft;
  readonly body: Body;
  /** With all recipients. */
  readonly record: MessageRecord;
  /** The client is told of each recipient, so that some can be refused and others not. */
  readonly isPerRecipient?: boolean;
  readonly decisions: readonly TreatedDecision[];
}

/** What settling works with. */
export interface SettlementParts {
  readonly store: Store;
  readonly nextId: () => string;
}

/** How a message was settled. */
export interface Settlement {
  readonly reply: Reply;
  /** Replies of their own, by the place of their decision. */
  readonly each: readonly (Reply | undefined)[];
  readonly shares: readonly TrailShare[];
  readonly copies: readonly { readonly place: Place; readonly id: string }[];
}

/** One stored message that is to be. */
interface Part {
  readonly place: Place;
  readonly recipients: Envelope["recipients"][number][];
  /** Left out: the message as it came. */
  readonly bytes?: Uint8Array;
  readonly decisions: TreatedDecision[];
  readonly direction?: Direction;
  id: string;
}

type Direction = NonNullable<MessageRecord["direction"]>;

const CHUNK_SIZE = 1024 * 1024;

/**
 * What is done for each share once the others are known. Only a whole message can be refused after
 * its data: if one group takes it, those who would refuse it have it kept in quarantine, so that
 * nobody believes it was delivered and nothing is lost.
 */
export function finalDispositions(
  decisions: readonly { readonly disposition: Disposition }[],
): readonly Disposition[] {
  const wanted = decisions.map(({ disposition }) => disposition);
  const isRefusal = ({ kind }: Disposition) => kind === "reject" || kind === "defer";
  if (wanted.every(isRefusal)) {
    // Not yet for one is not yet for all: the client comes again with the same message.
    return wanted.find(({ kind }) => kind === "defer") === undefined
      ? wanted
      : wanted.map((one) => ({ kind: "defer", reason: "reason" in one ? one.reason : "" }));
  }
  return wanted.map((one) =>
    one.kind === "reject" || one.kind === "defer"
      ? { kind: "quarantine", reason: one.reason }
      : one,
  );
}

/** Stores what a message leaves behind; the reply to give. Rejects with StoreFullError. */
export async function settle(parts: SettlementParts, decided: Decided): Promise<Settlement> {
  const { decisions, record, isPerRecipient = false } = decided;
  const final = isPerRecipient
    ? decisions.map(({ disposition }) => disposition)
    : finalDispositions(decisions);
  const refusals = final.map((one) => refusalOf(one, record));
  const [refusal] = refusals;
  if (refusal !== undefined && refusals.every((one) => one !== undefined)) {
    decided.draft.discard();
    return { reply: refusal, each: refusals, shares: sharesOf(decided, final, []), copies: [] };
  }
  const plan = planOf(decisions, final);
  await commit(parts, decided, plan);
  const { queued } = REPLIES;
  return {
    reply: { ...queued, text: `${queued.text} as ${record.id}` },
    each: refusals,
    shares: sharesOf(decided, final, plan),
    copies: plan.filter(isCopy).map(({ place, id }) => ({ place, id })),
  };
}

function isCopy({ place }: Part): boolean {
  return place === "backup" || place === "archive";
}

function refusalOf({ kind }: Disposition, { status }: MessageRecord): Reply | undefined {
  if (kind === "defer") return REPLIES.scanIncomplete;
  if (kind !== "reject") return undefined;
  return status === "infected" ? REPLIES.malware : REPLIES.policyRefused;
}

function planOf(decisions: readonly TreatedDecision[], final: readonly Disposition[]): Part[] {
  const parts = new Map<string, Part>();
  const add = (
    place: Place,
    decision: TreatedDecision,
    isTreated: boolean,
    direction?: Direction,
  ) => {
    const content = isTreated ? decision.content : undefined;
    const key = `${place} ${direction ?? ""} ${content?.key ?? ""}`;
    let part = parts.get(key);
    if (part === undefined) {
      const about = { ...(content && { bytes: content.bytes }), ...(direction && { direction }) };
      part = { place, recipients: [], decisions: [], id: "", ...about };
      parts.set(key, part);
    }
    part.recipients.push(...decision.recipients);
    part.decisions.push(decision);
  };
  decisions.forEach((decision, index) => {
    const kind = final[index]?.kind ?? "quarantine";
    if (kind === "deliver") add("queue", decision, true);
    else if (kind === "quarantine") add("quarantine", decision, false);
    // Whose client hears of a refusal keeps the message.
    if (kind === "reject" || kind === "defer") return;
    const isChanged = kind === "deliver" && decision.done.length > 0;
    if (decision.isBackedUp && (kind === "block" || isChanged)) add("backup", decision, false);
    const { archive } = decision.group.rules;
    const isOut = (archive === "outgoing" || archive === "all") && kind === "deliver";
    // What goes out as it came in needs one copy only.
    const isBoth = isOut && archive === "all" && decision.content === undefined;
    if (archive === "incoming" || archive === "all") {
      add("archive", decision, false, isBoth ? "both" : "incoming");
    }
    if (isOut && !isBoth) add("archive", decision, true, "outgoing");
  });
  // The message as it came has its draft already.
  return [...parts.values()].sort((one, two) => Number(!!one.bytes) - Number(!!two.bytes));
}

async function commit(
  parts: SettlementParts,
  { draft, body, record }: Decided,
  plan: readonly Part[],
): Promise<void> {
  if (plan.length === 0) {
    draft.discard();
    return;
  }
  const drafts: Draft[] = [];
  try {
    for (const [index, part] of plan.entries()) {
      const { bytes } = part;
      const isOriginal = index === 0 && bytes === undefined;
      const source: Body = bytes === undefined ? body : { kind: "bytes", bytes };
      const own = isOriginal ? draft : await copyOf(parts, source);
      part.id = own.id;
      drafts.push(own);
    }
    const all = plan.map(({ place, recipients, direction, id }, index): NewPart => {
      const envelope = { ...record.envelope, recipients };
      const own = drafts[index] as Draft;
      const isTreated = plan[index]?.decisions.some(({ done }) => done.length > 0) === true;
      const isChanged = isTreated && plan[index]?.bytes !== undefined;
      // The status is that of the message as it came.
      const trace = isChanged ? record.trace.replace(/\r\n$/, "; treated\r\n") : record.trace;
      const about = { ...record, id, envelope, trace, size: own.size };
      return { draft: own, place, record: direction ? { ...about, direction } : about };
    });
    await parts.store.commitAll(all);
    draft.discard();
  } catch (error) {
    for (const each of drafts) each.discard();
    throw error;
  }
}

// The same bytes once more, for another place.
async function copyOf({ store, nextId }: SettlementParts, body: Body): Promise<Draft> {
  const draft = store.draft(nextId());
  try {
    if (body.kind === "bytes") await draft.write(body.bytes);
    else {
      const file = Bun.file(body.path);
      for (let at = body.offset; at < body.offset + body.size; at += CHUNK_SIZE) {
        const end = Math.min(at + CHUNK_SIZE, body.offset + body.size);
        await draft.write(new Uint8Array(await file.slice(at, end).arrayBuffer()));
      }
    }
    await draft.finish();
  } catch (error) {
    draft.discard();
    throw error;
  }
  return draft;
}

function placeOf({ kind }: Disposition): TrailShare["place"] {
  switch (kind) {
    case "deliver":
      return "queue";
    case "quarantine":
      return "quarantine";
    case "block":
      return "blocked";
    case "reject":
    case "defer":
      return "refused";
    default:
      return kind satisfies never;
  }
}

function sharesOf(
  { decisions }: Decided,
  final: readonly Disposition[],
  plan: readonly Part[],
): TrailShare[] {
  return decisions.map((decision, index) => {
    const disposition = final[index] ?? decision.disposition;
    const place = placeOf(disposition);
    return {
      group: decision.group.name,
      recipients: decision.recipients.map(({ address }) => address),
      status: decision.status,
      rule: decision.rule,
      disposition,
      place,
      id: plan.find((part) => part.place === place && part.decisions.includes(decision))?.id ?? "",
      treated: decision.done.map(({ object, action, path }) => ({ object, action, path })),
      notes: decision.notes,
      filtered: decision.filtered.map(({ filter, path }) => ({ filter: filter.name, path })),
      exempted: decision.exempted.map(({ exemption, path }) => {
        return { exemption: exemption.number, path };
      }),
    };
  });
}

// A message's way in: spool -> inspect (explode, scan) -> decide -> settle, then the reply. The reply
// is 250 only when all that the message leaves behind is safe on disk; any doubt is a temporary
// refusal.

import type { Clock } from "../base/clock.ts";
import { GarbagePacer } from "../base/garbage.ts";
import { describeError, type Log } from "../base/log.ts";
import type { MessageIds } from "../base/message-id.ts";
import type { Body, Client, Envelope, MessageRecord, Verdict } from "../message.ts";
import type { Policy, ShareDecision } from "../policy/policy.ts";
import { type Answer, REPLIES, type Reply, SmtpError } from "../reply.ts";
import { StoreFullError } from "../store/disk.ts";
import type { Draft } from "../store/draft.ts";
import type { Store } from "../store/store.ts";
import type { Values } from "../template/render.ts";
import type { Gate } from "./gate.ts";
import type { Inspector } from "./inspection/inspector.ts";
import type { Inspected } from "./inspection/job.ts";
import type { Notices } from "./notice/notices.ts";
import { ExemptionWatch } from "./policy/exemptions.ts";
import type { Sealing } from "./policy/sealing.ts";
import type { Texts } from "./policy/texts.ts";
import { type TreatedDecision, treatAll } from "./policy/treatment.ts";
import type { CheckedSender, SenderChecks } from "./sender/checks.ts";
import { EarlierTexts, inspectOf } from "./sender/earlier.ts";
import { settle } from "./settlement.ts";
import { lineOf, type RefusalTrail, type Settled, type Trail } from "./trail.ts";

/** One message on its way in. */
export interface Transaction {
  /** Queue id, for the trace field and the reply. */
  readonly id: string;
  /** Takes body bytes; a promise means: wait before sending more. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /**
   * Scans, decides, commits. `trace` is the Received field, whole lines, CRLF-ended. Resolves with
   * the reply to give; throws `SmtpError` for a refusal.
   */
  finish(trace: string): Promise<Answer>;
  /** The client is gone or broke a rule: nothing is kept. */
  abort(): void;
}

/** What the SMTP doors see of the pipeline. */
export interface Intake {
  /** Begins a message; throws `SmtpError` if none can be taken now. */
  begin(client: Client, envelope: Envelope): Transaction;
  /** Notes that something was refused before there was a message to decide on. */
  refused(refusal: Refusal): void;
}

/** A refusal as a door tells of it. */
export type Refusal = Omit<RefusalTrail, "kind">;

/** What intake works with. */
export interface IntakeParts {
  readonly store: Store;
  readonly ids: MessageIds;
  readonly inspector: Inspector;
  /** The rules in force; they change when the configuration is read again. */
  readonly policy: () => Policy;
  readonly gate: Gate;
  readonly trail: Trail;
  readonly notices: Notices;
  /** Left out: nobody is asked who a message is from. */
  readonly senders?: SenderChecks;
  readonly texts: Texts;
  readonly sealing: Sealing;
  /** Name of this host, for texts. */
  readonly hostname: string;
  /** RFC 5321 §6.3: Received fields at which a message is held to be looping. */
  readonly hopsMax: () => number;
  readonly log: Log;
  readonly clock: Clock;
}

const FINDINGS_MAX = 10;
/** Recipients that the log names. */
const NAMED_MAX = 10;

/** Names of what was found, each once. */
function namesIn(verdict: Verdict): readonly string[] {
  const names = new Set<string>();
  for (const object of verdict.objects) {
    for (const finding of object.findings) names.add(finding.signature);
    if (names.size >= FINDINGS_MAX) break;
  }
  return [...names];
}

// RFC 2033 §4.2: what each recipient's own share was refused for.
function repliesOf(
  decisions: readonly ShareDecision[],
  replies: readonly (Reply | undefined)[],
  said: (reply: Reply, of: readonly ShareDecision[]) => Reply,
): ReadonlyMap<string, Reply> {
  const each = new Map<string, Reply>();
  for (const [index, decision] of decisions.entries()) {
    const reply = replies[index];
    if (reply === undefined) continue;
    for (const { address } of decision.recipients) each.set(address, said(reply, [decision]));
  }
  return each;
}

/** Makes the intake of a gateway. */
export function createIntake(parts: IntakeParts): Intake {
  const exemptions = new ExemptionWatch(parts.store.exemptions, parts.clock);
  const earlier = new EarlierTexts(parts.clock);
  const whole = { ...parts, exemptions, earlier, garbage: new GarbagePacer() };
  return {
    begin: (client, envelope) => {
      if (parts.gate.isPaused("receive")) throw new SmtpError(REPLIES.receivingPaused);
      if (parts.gate.isPaused("scan")) throw new SmtpError(REPLIES.scanningPaused);
      return new Incoming(whole, client, envelope);
    },
    refused: (refusal) => parts.trail.refusal(refusal),
  };
}

interface Parts extends IntakeParts {
  readonly exemptions: ExemptionWatch;
  readonly earlier: EarlierTexts;
  readonly garbage: GarbagePacer;
}

// For rules of those behind gw.
function tagField({ tags = [] }: Envelope): string {
  return tags.length === 0 ? "" : `X-Gw-Tag: ${tags.join(" ")}\r\n`;
}

class Incoming implements Transaction {
  readonly id: string;
  readonly #parts: Parts;
  readonly #client: Client;
  #envelope: Envelope;
  readonly #draft: Draft;
  readonly #receivedAt: number;
  #isNoted = false;

  constructor(parts: Parts, client: Client, envelope: Envelope) {
    this.#parts = parts;
    this.#client = client;
    this.#envelope = envelope;
    this.#receivedAt = parts.clock.now();
    this.id = parts.ids.next();
    try {
      this.#draft = parts.store.draft(this.id);
    } catch (error) {
      throw this.#storageRefusal(error);
    }
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#parts.garbage.passed(chunk.length);
    try {
      return this.#draft.write(chunk)?.catch((error: unknown) => {
        throw this.#storageRefusal(error);
      });
    } catch (error) {
      throw this.#storageRefusal(error);
    }
  }

  async finish(trace: string): Promise<Answer> {
    try {
      const { exemptions, hopsMax, senders } = this.#parts;
      const policy = this.#parts.policy();
      const body = await this.#draft.finish();
      const shares = policy.split(this.#envelope);
      const job = {
        body,
        name: "message",
        isMessage: true,
        isScanned: shares.some(({ group }) => group.rules.check),
        isHashed: exemptions.isHashWanted(),
      };
      const [inspected, sender] = await Promise.all([
        inspectOf(this.#envelope.sender, job, this.#parts),
        senders?.check({ client: this.#client, envelope: this.#envelope, body }),
      ]);
      if (inspected.summary.hops > hopsMax()) throw new SmtpError(REPLIES.tooManyHops);
      const decided = policy.decide({
        verdict: inspected.verdict,
        sender: this.#envelope.sender,
        shares: sender?.divide(shares) ?? shares,
        exemptions: () => exemptions.active(),
      });
      const decisions = sender?.apply(decided) ?? decided;
      this.#checked(sender);
      this.#logDecisions(inspected, decisions);
      const record = this.#record(inspected, (sender?.field ?? "") + trace);
      const treated = await this.#treat({ body, inspected, decisions, sender });
      const { store, ids, notices } = this.#parts;
      const { verdict } = inspected;
      const tell = await notices.prepare({ body, record, verdict, decisions: treated });
      const nextId = () => ids.next();
      const isPerRecipient = /LMTP/.test(this.#client.protocol);
      const settled = { draft: this.#draft, body, record, decisions: treated, isPerRecipient };
      const { reply: settledReply, each, ...rest } = await settle({ store, nextId }, settled);
      const said = (one: Reply, of: readonly ShareDecision[]) => sender?.replyFor(one, of) ?? one;
      const reply: Answer = {
        ...said(settledReply, treated),
        ...(isPerRecipient && { each: repliesOf(treated, each, said) }),
      };
      void tell?.(rest);
      this.#note(inspected, { ...rest, reply });
      if (reply.code >= 400) throw new SmtpError(reply, decisions[0]?.rule);
      return reply;
    } catch (error) {
      this.#draft.discard();
      const refusal = error instanceof SmtpError ? error : this.#storageRefusal(error);
      if (!this.#isNoted) this.#noteRefusal(refusal);
      throw refusal;
    }
  }

  abort(): void {
    this.#draft.discard();
  }

  #record(inspected: Inspected, trace: string): MessageRecord {
    const { verdict, summary } = inspected;
    return {
      id: this.id,
      receivedAt: this.#receivedAt,
      client: this.#client,
      envelope: this.#envelope,
      trace: `${trace}${tagField(this.#envelope)}X-Gw-Scan: ${verdict.status}; id=${this.id}; set=${verdict.signatureSet}\r\n`,
      size: this.#draft.size,
      messageId: summary.messageId,
      subject: summary.subject,
      status: verdict.status,
      findings: namesIn(verdict),
    };
  }

  // What the checks of the sender add to what is known of the message.
  #checked(sender: CheckedSender | undefined): void {
    if (sender === undefined) return;
    const { authentication, tags } = sender;
    this.#envelope = {
      ...this.#envelope,
      authentication,
      ...(tags.length > 0 && { tags: [...(this.#envelope.tags ?? []), ...tags] }),
    };
    const { spf, dkim, dmarc, arc } = authentication;
    this.#parts.log.info("authenticated", {
      id: this.id,
      spf: spf.result,
      dkim: dkim.map(({ result, domain }) => `${result}:${domain}`).join(",") || "none",
      dmarc: dmarc.result,
      from: dmarc.domain || undefined,
      arc: arc.result,
      forged: sender.forgedAs,
    });
  }

  async #treat(matter: {
    readonly body: Body;
    readonly inspected: Inspected;
    readonly decisions: readonly ShareDecision[];
    readonly sender: CheckedSender | undefined;
  }): Promise<readonly TreatedDecision[]> {
    const { body, decisions, sender } = matter;
    const { verdict, summary } = matter.inspected;
    const { inspector, texts, sealing, log, hostname, clock } = this.#parts;
    const values: Values = {
      CRLF: "\r\n",
      TAB: "\t",
      PRODUCT: "gw",
      HOSTNAME: hostname,
      DATE: `${new Date(clock.now()).toISOString().slice(0, 19).replace("T", " ")} UTC`,
      QUEUE_ID: this.id,
      CLIENT_ADDR: this.#client.address,
      SENDER_ADDR: this.#envelope.sender,
      SUBJECT: summary.subject,
      MESSAGE_ID: summary.messageId,
      MESSAGE_SIZE: String(this.#draft.size),
      SIGNATURE_SET: verdict.signatureSet,
    };
    const [client, envelope] = [this.#client, this.#envelope];
    const seal = (bytes: Uint8Array) => sealing.apply({ bytes, client, envelope });
    const forgedAs = sender?.forgedAs;
    const treated = await treatAll(decisions, {
      ...{ body, verdict, inspector, texts, seal, values },
      ...(forgedAs !== undefined && { forgedAs }),
    });
    for (const [index, { group, disposition, done, notes }] of treated.entries()) {
      const isKeptNow = disposition.kind !== decisions[index]?.disposition.kind;
      if (done.length === 0 && notes.length === 0 && !isKeptNow) continue;
      const actions = done.map(({ action }) => action).join(",") || undefined;
      const reason = "reason" in disposition ? disposition.reason : undefined;
      const fields = { id: this.id, group: group.name, actions, reason };
      log.info("treated", { ...fields, notes: notes.join("; ") || undefined });
    }
    return treated;
  }

  #noteRefusal({ reply, cause }: SmtpError): void {
    this.#parts.trail.refusal({
      client: this.#client,
      stage: "message",
      sender: this.#envelope.sender,
      recipients: this.#envelope.recipients.map(({ address }) => address),
      reply: lineOf(reply),
      cause: cause === undefined ? undefined : describeError(cause),
    });
  }

  #note(inspected: Inspected, settled: Pick<Settled, "reply" | "shares" | "copies">): void {
    const { verdict, summary } = inspected;
    const { messageId, subject } = summary;
    this.#isNoted = true;
    const about = { messageId, subject, size: this.#draft.size };
    const from = { id: this.id, client: this.#client, envelope: this.#envelope };
    this.#logShares(settled.shares);
    this.#parts.trail.message({ ...from, ...about, verdict, ...settled });
  }

  // A share that goes its own way has an id of its own, under which it is spoken of from then on.
  #logShares(shares: Settled["shares"]): void {
    const { log } = this.#parts;
    for (const { id, group, recipients, place } of shares) {
      const about = { id: this.id, group, recipients: recipients.length };
      if (place === "blocked") {
        const to = recipients.slice(0, NAMED_MAX).join(",");
        log.info("blocked", { ...about, to, size: this.#draft.size });
      } else if (id !== "" && id !== this.id) log.info("split", { ...about, copy: id, place });
    }
  }

  #logDecisions({ verdict }: Inspected, decisions: readonly ShareDecision[]): void {
    const { log, store, clock } = this.#parts;
    const names = namesIn(verdict);
    for (const { group, disposition, rule, status, recipients, exempted } of decisions) {
      const about = { id: this.id, group: group.name, recipients: recipients.length };
      if (!group.rules.check) {
        log.info("bypassed", about);
        continue;
      }
      for (const { exemption, path } of exempted) {
        const { number, owner, reason } = exemption;
        log.warn("exempted", { id: this.id, exemption: number, owner, reason, path });
      }
      const used = new Set(exempted.map(({ exemption }) => exemption.number));
      const at = clock.now();
      store.write([...used].map((number) => ({ kind: "exempted", number, at })));
      const fields = {
        ...about,
        client: this.#client.address,
        sender: `<${this.#envelope.sender}>`,
        to:
          recipients
            .slice(0, NAMED_MAX)
            .map(({ address }) => address)
            .join(",") || undefined,
        status,
        names: names.join(",") || undefined,
        disposition: disposition.kind,
        rule: rule || undefined,
        objects: verdict.objects.length,
        ms: Math.round(verdict.elapsedMs),
        reason: "reason" in disposition ? disposition.reason : undefined,
      };
      if (status === "clean") log.debug("scanned", fields);
      else log.info("scanned", fields);
    }
  }

  #storageRefusal(error: unknown): SmtpError {
    if (error instanceof StoreFullError) return new SmtpError(REPLIES.storageFull, error);
    this.#parts.log.error("intake-failed", { id: this.id, cause: describeError(error) });
    return new SmtpError(REPLIES.localError, error);
  }
}

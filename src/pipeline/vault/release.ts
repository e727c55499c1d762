// A kept message's way out: read -> made into what is sent -> scanned with today's signatures ->
// handed to the server's queue. What is still objected to stays where it is, unless whoever releases
// it takes that on himself, and says why.

import type { Disposition, MessageRecord, Recipient, Verdict } from "../../message.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Exemption } from "../../store/rows/exemption-rows.ts";
import type { NewRelease, ReleaseRows } from "../../store/rows/release-rows.ts";
import {
  attached,
  carryingObject,
  type ResendOptions,
  resent,
  type SentObject,
} from "../../vault/resend.ts";
import type { Vault, VaultDetails } from "../../vault/vault.ts";
import type { Inspector } from "../inspection/inspector.ts";

/** What a message is checked with before it goes. */
export interface ReleaseCheck {
  readonly inspector: Inspector;
  readonly policy: Policy;
  /** Exemptions that hold now. */
  readonly exemptions: () => readonly Exemption[];
}

/** What release works with. */
export interface ReleaseParts {
  readonly vault: Vault;
  readonly releases: ReleaseRows;
  readonly nextId: () => string;
  readonly hostname: string;
  /** Address of whoever answers for the gateway, for messages that gw writes. */
  readonly from: string;
  /** Left out: it goes unchecked. */
  readonly check?: ReleaseCheck;
}

/** How a message leaves: as it came, under a new identity, within another one, or one object. */
export type ReleaseForm =
  | { readonly kind: "message" | "fresh" | "attached" }
  | { readonly kind: "object"; readonly object: SentObject };

/** What is asked for one message. */
export interface ReleaseRequest {
  readonly id: string;
  readonly form: ReleaseForm;
  /** Instead of the message's own recipients. */
  readonly recipients?: readonly string[];
  readonly who: string;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** How a release ended. */
export type ReleaseEnd =
  | { readonly kind: "released"; readonly queueId: string }
  | { readonly kind: "kept"; readonly disposition: Disposition; readonly verdict: Verdict }
  | { readonly kind: "missing" };

interface Sent {
  readonly bytes: Uint8Array;
  readonly record: MessageRecord;
}

/** Releases one kept message, if policy lets it through now for everyone; the entry stays. */
export async function release(parts: ReleaseParts, request: ReleaseRequest): Promise<ReleaseEnd> {
  const { vault, releases } = parts;
  const details = vault.show(request.id);
  const message = await vault.read(request.id);
  if (details === undefined || message === undefined) return { kind: "missing" };
  const sent = makeSent(parts, request, { details, message });
  const objection = parts.check && (await objectionTo(parts.check, sent));
  if (objection !== undefined) return objection;
  const { form, who, reason, at } = request;
  const object = form.kind === "object" ? form.object.path : "";
  const { record } = sent;
  const recipients = record.envelope.recipients.map(({ address }) => address).join(", ");
  const isChecked = parts.check !== undefined;
  const detail = `${form.kind}${object && ` ${object}`} to ${recipients}${isChecked ? "" : " unchecked"}`;
  vault.note([{ at, entry: request.id, verb: "release", who, reason, detail }]);
  const kind: NewRelease["kind"] = form.kind === "fresh" ? "message" : form.kind;
  const asked = { kind, object, at, who, reason, isChecked, record };
  await releases.ask(request.id, asked, sent.bytes);
  return { kind: "released", queueId: record.id };
}

function makeSent(
  parts: ReleaseParts,
  { form, recipients: others, at }: ReleaseRequest,
  kept: { readonly details: VaultDetails; readonly message: Uint8Array },
): Sent {
  const { record } = kept.details;
  const id = parts.nextId();
  const addresses = others ?? kept.details.recipients;
  const about = { id, hostname: parts.hostname, now: at, from: parts.from };
  const options: ResendOptions = { ...about, recipients: addresses };
  const own = (bytes: Uint8Array, subject = record.subject): Sent => {
    // Nobody but the administrator asked for this message: its failure is told in the vault.
    const recipients = addresses.map((address): Recipient => ({ address, notify: ["never"] }));
    const envelope = { ...record.envelope, sender: "", recipients, body: "8bitmime" as const };
    const messageId = `<${id}@${parts.hostname}>`;
    const sent = { ...record, id, envelope, trace: "", messageId, subject, size: bytes.length };
    return { bytes, record: { ...sent, receivedAt: at, releasedFrom: record.id } };
  };
  switch (form.kind) {
    case "attached":
      return own(attached(kept.message, record, options));
    case "object":
      return own(carryingObject(form.object, record, options), form.object.name);
    case "message":
    case "fresh": {
      const isFresh = form.kind === "fresh";
      const bytes = isFresh ? resent(kept.message, record.trace, options) : kept.message;
      // The sender never wrote to other recipients, and is not to hear of them.
      const recipients = others?.map((address): Recipient => ({ address, notify: ["never"] }));
      const envelope = {
        ...record.envelope,
        recipients: recipients ?? record.envelope.recipients,
      };
      const trace = isFresh ? "" : record.trace;
      const sent = { ...record, id, envelope, trace, size: bytes.length };
      return { bytes, record: { ...sent, releasedFrom: record.id } };
    }
    default:
      return form satisfies never;
  }
}

async function objectionTo(
  { inspector, policy, exemptions }: ReleaseCheck,
  { bytes, record }: Sent,
): Promise<Extract<ReleaseEnd, { kind: "kept" }> | undefined> {
  const { sender, recipients } = record.envelope;
  const { verdict } = await inspector.inspect({
    body: { kind: "bytes", bytes },
    name: "message",
    isMessage: true,
    isHashed: exemptions().some(({ hash }) => hash !== undefined),
  });
  const shares = policy.split({ sender, recipients });
  const decisions = policy.decide({ verdict, sender, shares, exemptions });
  for (const { disposition, treatments } of decisions) {
    if (disposition.kind !== "deliver") return { kind: "kept", disposition, verdict };
    // What is stored is the original, and the rule is about a message without these objects.
    if (treatments.length > 0) {
      const reason = `${treatments.length} of its objects are not to be delivered`;
      return { kind: "kept", disposition: { kind: "quarantine", reason }, verdict };
    }
  }
  return undefined;
}

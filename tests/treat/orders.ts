// Treats messages in tests the way an inspection thread does, with a scanner that knows markers
// instead of signatures.
import { simpleParser } from "mailparser";
import type { Finding, Remedy, ScannedObject, Verdict } from "../../src/message.ts";
import { inspect, MESSAGE, type ObjectScanner } from "../../src/pipeline/inspect.ts";
import {
  type Treatment,
  type TreatmentAction,
  type TreatmentOrder,
  type TreatmentResult,
  treat,
} from "../../src/treat/treat.ts";
import { budgetOf, LIMITS } from "../harness/extracts.ts";

/** What counts as bad in these tests, and what its signature says about the cure. */
export const MARKERS: Readonly<Record<string, Remedy | undefined>> = {
  "bad-content-here": undefined,
  "worthless-content": { kind: "remove" },
  "appended-content": { kind: "truncate", at: "appended-content" },
  "inserted-content": { kind: "cut", from: "<inserted>", to: "</inserted>" },
  "AutoOpen-marker": undefined,
};
export const BAD = "bad-content-here";

export const scanner: ObjectScanner = {
  identity: "test",
  scan({ bytes }) {
    const content = Buffer.from(bytes).toString("latin1");
    const findings: Finding[] = [];
    for (const [marker, remedy] of Object.entries(MARKERS)) {
      const offset = content.indexOf(marker);
      if (offset < 0) continue;
      const finding = { signature: `Test.${marker}`, severity: "infected" as const, offset };
      findings.push(remedy === undefined ? finding : { ...finding, remedy });
    }
    return { findings, scanned: bytes.length, isComplete: true };
  },
};

export function look(bytes: Uint8Array, name = "message"): Verdict {
  const declaredType = name === "message" ? MESSAGE : "";
  return inspect({ name, declaredType, bytes }, scanner, LIMITS);
}

/** Treats the objects that `choose` picks (default: all infected ones) in one way. */
export function treatMail(
  bytes: Uint8Array,
  action: TreatmentAction,
  more: Partial<TreatmentOrder> & { choose?: (object: ScannedObject) => boolean } = {},
): TreatmentResult {
  const { choose = (object) => object.status === "infected", ...rest } = more;
  const verdict = look(bytes);
  const treatments: Treatment[] = verdict.objects
    .filter(choose)
    .map(({ id }) => ({ object: id, action }));
  return treat({
    ...{ bytes, verdict, treatments, rescan: look, budget: budgetOf() },
    text: (object, done) => `${object.name} was taken out (${done}).\n`,
    ...rest,
  });
}

/** The treated message as latin1 text; fails if it could not be treated. */
export function treatedText(result: TreatmentResult): string {
  if (result.kind !== "treated") throw new Error(`untreatable: ${result.reason}`);
  return Buffer.from(result.bytes).toString("latin1");
}

export interface TestPart {
  readonly name?: string;
  readonly type?: string;
  readonly encoding?: "base64" | "quoted-printable" | "7bit";
  readonly bytes: Uint8Array | string;
}

/** A part with its header, encoded. */
export function partOf({ name, type, encoding = "base64", bytes }: TestPart): string {
  const raw = Buffer.from(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  const body =
    encoding === "base64"
      ? raw.toString("base64").replaceAll(/.{76}/g, "$&\r\n")
      : raw.toString("latin1");
  return [
    `Content-Type: ${type ?? "application/octet-stream"}${name ? `; name="${name}"` : ""}`,
    `Content-Transfer-Encoding: ${encoding}`,
    ...(name ? [`Content-Disposition: attachment; filename="${name}"`] : []),
    "",
    body,
  ].join("\r\n");
}

export function multipart(parts: readonly string[], boundary = "b0", kind = "mixed"): string {
  const body = parts.map((part) => `--${boundary}\r\n${part}\r\n`).join("");
  return `Content-Type: multipart/${kind}; boundary="${boundary}"\r\n\r\nprologue\r\n${body}--${boundary}--\r\nepilogue\r\n`;
}

/** A message around an entity (its header fields and body). */
export function messageOf(entity: string): Buffer {
  const header =
    "From: a@example.org\r\nTo: b@example.org\r\nSubject: an offer\r\nMIME-Version: 1.0\r\n";
  return Buffer.from(header + entity, "latin1");
}

export const HELLO = partOf({ type: "text/plain", encoding: "7bit", bytes: "Hello.\r\n" });

/** A message with a greeting, one attachment and a picture behind it. */
export function mailWith(attachment: TestPart): Buffer {
  const picture = partOf({
    name: "dot.gif",
    type: "image/gif",
    bytes: "GIF89a\x01\0\x01\0\0\0\0;",
  });
  return messageOf(multipart([HELLO, partOf(attachment), picture]));
}

export interface ParsedAttachment {
  readonly filename?: string;
  readonly contentType: string;
  readonly content: Buffer;
  readonly checksum: string;
}

/** What another parser than ours makes of a message's attachments. */
export async function attachmentsOf(message: string | Uint8Array): Promise<ParsedAttachment[]> {
  const bytes = typeof message === "string" ? Buffer.from(message, "latin1") : message;
  const parsed = (await simpleParser(bytes)) as unknown as { attachments: ParsedAttachment[] };
  return parsed.attachments;
}

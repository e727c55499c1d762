// DKIM, ARC and DMARC of one message: its bytes pass once, the DNS questions follow. mailauth does
// the work; what bounds it stands here.
import { once } from "node:events";
import { arc } from "mailauth/lib/arc/index.js";
import { DkimVerifier, type ParsedHeaders } from "mailauth/lib/dkim/dkim-verifier.js";
import { evaluateDmarc } from "mailauth/lib/dmarc/index.js";
import { isForged } from "../entity/forged.ts";
import type { Authentication, AuthenticationCheck, Body } from "../message.ts";
import { type CheckedMessage, type MessageIdentity, unchecked } from "./checked.ts";
import type { Deadline } from "./deadline.ts";
import type { CheckLookup } from "./lookup.ts";
import { resultOf } from "./result.ts";
import { checkSpf } from "./spf.ts";

/** What a check works with. */
export interface CheckParts {
  readonly lookup: CheckLookup;
  readonly deadline: Deadline;
  readonly hostname: string;
  readonly timeoutMs: number;
  /** For signatures that expire; now, if left out. */
  readonly now?: Date;
}

const CHUNK_SIZE = 64 * 1024;
// RFC 6376 §6.1 leaves the number to the verifier; each costs a hash of the body and a question.
const SIGNATURES_MAX = 10;
// RFC 8617 §5.1.1.1 has at most 50 sets. Longer headers than this nobody sends in good faith.
const HEADER_SIZE_MAX = 1024 * 1024;
const FIELDS_MAX = 5000;

// A message with more fields or signatures than are looked at.
class TooMuchError extends Error {}

class BoundedVerifier extends DkimVerifier {
  isForged = false;
  readonly #hostname: string;

  constructor(options: ConstructorParameters<typeof DkimVerifier>[0], hostname: string) {
    super(options);
    this.#hostname = hostname;
  }

  override async messageHeaders({ parsed }: ParsedHeaders): Promise<void> {
    if (parsed.length > FIELDS_MAX) throw new TooMuchError("too many header fields");
    this.isForged = parsed.some(({ line }) => isForged(line.toString("latin1"), this.#hostname));
    let left = SIGNATURES_MAX;
    const bounded = parsed.filter(({ key }) => key !== "dkim-signature" || left-- > 0);
    await super.messageHeaders({ parsed: bounded });
  }
}

/** Checks a message. Never rejects for what is in it: trouble is a result. */
export async function checkMessage(
  message: MessageIdentity,
  parts: CheckParts,
): Promise<CheckedMessage> {
  const spf = await checkSpf(message, parts);
  const resolver = parts.lookup.resolve;
  const curTime = parts.now && { curTime: parts.now };
  const verifier = new BoundedVerifier({ resolver, strict: true, ...curTime }, parts.hostname);
  const failure = await feed(verifier, message.body, parts.deadline);
  if (failure !== undefined) return unchecked(failure, spf);
  const before = parts.lookup.troubles;
  const chain = await arc(verifier.arc, { resolver, strict: true, ip: message.address });
  const isArcKnown = parts.lookup.troubles === before || chain.status.result === "none";
  const signatures = verifier.results.filter(({ status }) => status.result !== "none");
  const dkim = signatures.map(({ status, signingDomain = "", selector = "" }) => {
    return { result: resultOf(status.result), domain: domainOf(signingDomain), selector };
  });
  const arcCheck = {
    result: isArcKnown ? resultOf(chain.status.result) : ("temperror" as const),
    domain: domainOf(chain.signature ? (chain.signature.signingDomain ?? "") : ""),
  };
  const dmarc = await checkDmarc(verifier, spf, resolver);
  return { authentication: { spf, dkim, dmarc, arc: arcCheck }, isForged: verifier.isForged };
}

// Hostile text that is shown and compared: a name, in lower case, or nothing.
function domainOf(text: string): string {
  const domain = text.toLowerCase();
  return /^[\p{L}\p{N}_.-]{1,253}$/u.test(domain) ? domain : "";
}

async function checkDmarc(
  verifier: DkimVerifier,
  spf: AuthenticationCheck,
  resolver: CheckLookup["resolve"],
): Promise<Authentication["dmarc"]> {
  const passed = verifier.results.filter(({ status }) => status.result === "pass");
  const { response } = await evaluateDmarc({
    headerFrom: verifier.headerFrom,
    fromFields: verifier.fromFields,
    spfDomains: spf.result === "pass" && spf.domain !== "" ? [spf.domain] : [],
    dkimDomains: passed.map(({ id, signingDomain, status }) => {
      return { id, domain: signingDomain, aligned: status.aligned, underSized: status.underSized };
    }),
    arcResult: undefined,
    resolver,
    strict: true,
  });
  // RFC 7489 §6.6.1: no author, or several of different domains: there is nobody to ask.
  if (response === false) return { result: "permerror", domain: "", policy: "none" };
  const { status, policy } = response;
  return {
    result: resultOf(status.result === "neutral" ? "none" : status.result),
    domain: domainOf(status.header?.from ?? ""),
    policy: policy === "reject" || policy === "quarantine" ? policy : "none",
  };
}

// The message's bytes; what stopped it, if something did.
async function feed(
  verifier: BoundedVerifier,
  body: Body,
  deadline: Deadline,
): Promise<"temperror" | "permerror" | undefined> {
  let problem: unknown;
  const ended = new Promise<void>((resolve) => {
    verifier.once("error", (error) => {
      problem = error;
      resolve();
    });
    verifier.once("finish", resolve);
  });
  let size = 0;
  for await (const chunk of chunksOf(body)) {
    if (problem !== undefined) break;
    if (deadline.isOver) return "temperror";
    size += chunk.length;
    if (verifier.state === "header" && size > HEADER_SIZE_MAX) return "permerror";
    if (!verifier.write(chunk)) await Promise.race([once(verifier, "drain"), ended]);
  }
  verifier.end();
  await Promise.race([ended, deadline.over]);
  if (problem instanceof TooMuchError) return "permerror";
  return problem !== undefined || deadline.isOver ? "temperror" : undefined;
}

async function* chunksOf(body: Body): AsyncGenerator<Uint8Array> {
  const size = body.kind === "bytes" ? body.bytes.length : body.size;
  const file = body.kind === "file" ? Bun.file(body.path) : undefined;
  for (let at = 0; at < size; at += CHUNK_SIZE) {
    const end = Math.min(at + CHUNK_SIZE, size);
    if (body.kind === "bytes") yield Buffer.from(body.bytes.subarray(at, end));
    else if (file !== undefined) {
      const slice = file.slice(body.offset + at, body.offset + end);
      yield Buffer.from(await slice.arrayBuffer());
    }
  }
}

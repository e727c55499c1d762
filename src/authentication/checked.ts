// What is asked about a message, and what is answered.
import type { Authentication, AuthenticationCheck, Body } from "../message.ts";

/** Who sends, as the session showed. */
export interface SenderIdentity {
  readonly address: string;
  readonly helo: string;
  /** Envelope sender; "" is the null sender. */
  readonly sender: string;
}

/** A message whose sender is to be checked. */
export interface MessageIdentity extends SenderIdentity {
  readonly body: Body;
}

/** What a check found. */
export interface CheckedMessage {
  readonly authentication: Authentication;
  /** The message has fields that only gw may write, or it is not known whether it has. */
  readonly isForged: boolean;
}

/** What is said of a message that could not be checked. */
export function unchecked(
  result: "temperror" | "permerror",
  spf: AuthenticationCheck = { result, domain: "" },
): CheckedMessage {
  const check = { result, domain: "" };
  const dmarc = { ...check, policy: "none" } as const;
  return { authentication: { spf, dkim: [], dmarc, arc: check }, isForged: true };
}

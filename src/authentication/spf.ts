// SPF: may this address send mail for that domain? RFC 7208, by mailauth in its strict mode.
import { spf } from "mailauth/lib/spf/index.js";
import type { AuthenticationCheck } from "../message.ts";
import type { SenderIdentity } from "./checked.ts";
import type { CheckLookup } from "./lookup.ts";
import { resultOf } from "./result.ts";

/** What SPF is evaluated with. */
export interface SpfParts {
  readonly lookup: CheckLookup;
  /** Name of this host, for explanations. */
  readonly hostname: string;
  readonly timeoutMs: number;
}

/**
 * RFC 7208 §2.4: the envelope sender's domain, or the name in HELO for the null sender. Never
 * rejects: what goes wrong is `temperror`.
 */
export async function checkSpf(
  { address, helo, sender }: SenderIdentity,
  { lookup, hostname, timeoutMs }: SpfParts,
): Promise<AuthenticationCheck> {
  const domain = (sender === "" ? helo : sender.slice(sender.lastIndexOf("@") + 1)).toLowerCase();
  try {
    const { status } = await spf({
      sender,
      ip: address,
      helo,
      mta: hostname,
      resolver: lookup.resolve,
      strict: true,
      maxElapsedTime: timeoutMs,
    });
    return { result: resultOf(status.result), domain };
  } catch {
    // Whatever mailauth stumbles over says nothing of the sender.
    return { result: "temperror", domain };
  }
}

// What an HTTP status says about an update that came to nothing, and when to ask again.
import { UpdateError, type UpdateFault } from "../source.ts";

/** The pause where the other side asks for one and does not say how long. */
const PAUSE_MS = 4 * 3_600_000;
/** The longest pause that is kept: an answer must not switch updates off for ever. */
const PAUSE_MAX_MS = 24 * 3_600_000;

const FAULTS: Readonly<Record<number, { readonly kind: UpdateFault; readonly says: string }>> = {
  401: { kind: "refused", says: "wants a login" },
  402: { kind: "licence", says: "wants a licence" },
  403: { kind: "refused", says: "does not give this to us" },
  407: { kind: "refused", says: "the proxy wants another login" },
  429: { kind: "refused", says: "asks for a pause" },
  451: { kind: "refused", says: "may not give this" },
};

/** When it may be tried again, if the answer says so: RFC 9110 §10.2.3, RFC 6585 §4. */
export function retryTimeOf(response: Response, now: number): number | undefined {
  const { status, headers } = response;
  const said = headers.get("retry-after");
  if (status !== 429 && (status !== 503 || said === null)) return undefined;
  if (said === null) return now + PAUSE_MS;
  const pause = /^\d{1,9}$/.test(said.trim()) ? Number(said) * 1000 : Date.parse(said) - now;
  return now + Math.min(Math.max(Number.isFinite(pause) ? pause : PAUSE_MS, 0), PAUSE_MAX_MS);
}

/** The error that an answer is. */
export function faultOf(url: URL, response: Response, retryAt: number | undefined): UpdateError {
  const { status } = response;
  const { kind, says } = FAULTS[status] ?? { kind: "unreachable" as const, says: "is in trouble" };
  const reason = `${url.origin}${url.pathname}: the server ${says} (HTTP ${status})`;
  return new UpdateError(kind, reason, retryAt === undefined ? {} : { retryAt });
}

/** A file that has more bytes than it may. */
export function tooLarge(url: URL, max: number): UpdateError {
  return new UpdateError("invalid", `${url.href}: larger than the ${max} bytes it may have`);
}

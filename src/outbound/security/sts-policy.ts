// The words of an MTA-STS policy: the TXT record that tells of it, and the policy itself.
// RFC 8461 §3.1, §3.2.

/** A policy as a domain publishes it. */
export interface StsPolicy {
  readonly mode: "enforce" | "testing" | "none";
  /** Names of mail hosts, or `*.` and all one label below a domain; lower case. */
  readonly mx: readonly string[];
  /** Milliseconds that it holds for. */
  readonly maxAgeMs: number;
}

/** A policy that was fetched. */
export interface KnownPolicy {
  readonly domain: string;
  /** Of the TXT record; another one tells that the policy has changed. */
  readonly id: string;
  readonly policy: StsPolicy;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const MAX_AGE_S_MAX = 31_557_600;
const LINES_MAX = 1_000;

/** The id in a domain's TXT records; undefined if there is not exactly one that is valid. */
export function policyId(records: readonly string[]): string | undefined {
  const own = records.filter((text) => /^v=STSv1\s*;/.test(text));
  const [record = ""] = own;
  if (own.length !== 1) return undefined;
  return /(?:^|;)\s*id\s*=\s*([A-Za-z0-9]{1,32})\s*(?:;|$)/.exec(record)?.[1];
}

/** Reads a policy; undefined if it is none. */
export function parsePolicy(text: string): StsPolicy | undefined {
  const values = new Map<string, string>();
  const mx: string[] = [];
  for (const line of text.split(/\r?\n/).slice(0, LINES_MAX)) {
    const [, key, value = ""] = /^\s*([A-Za-z0-9_-]{1,32})\s*:\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined) continue;
    if (key === "mx") mx.push(value.toLowerCase().replace(/\.$/, ""));
    // Of a key that comes twice the first counts.
    else if (!values.has(key)) values.set(key, value);
  }
  const mode = (["enforce", "testing", "none"] as const).find((one) => one === values.get("mode"));
  const maxAge = values.get("max_age") ?? "";
  if (values.get("version") !== "STSv1" || mode === undefined) return undefined;
  if (!/^\d{1,10}$/.test(maxAge) || (mx.length === 0 && mode !== "none")) return undefined;
  return { mode, mx, maxAgeMs: Math.min(Number(maxAge), MAX_AGE_S_MAX) * 1000 };
}

/** A policy in the lines that it is published in. RFC 8461 §3.2. */
export function policyText({ mode, mx, maxAgeMs }: StsPolicy): readonly string[] {
  const hosts = mx.map((each) => `mx: ${each}`);
  return ["version: STSv1", `mode: ${mode}`, ...hosts, `max_age: ${Math.round(maxAgeMs / 1000)}`];
}

/** Whether a policy names a host. RFC 8461 §4.1: a star stands for one label. */
export function policyNames({ mx }: StsPolicy, host: string): boolean {
  const parent = host.slice(host.indexOf(".") + 1);
  return mx.some((pattern) =>
    pattern.startsWith("*.") ? pattern.slice(2) === parent && host !== parent : pattern === host,
  );
}

// What `gw doctor` says of one thing.

/** `fail`: mail suffers, or will. `warn`: look at it. `unknown`: it could not be looked at. */
export type Health = "ok" | "warn" | "fail" | "unknown";

/** One thing that was looked at. */
export interface Finding {
  /** What it belongs to: "disk", "DNS". */
  readonly about: string;
  readonly health: Health;
  readonly text: string;
  /** What to do; "" if nothing. */
  readonly remedy: string;
}

/** Makes findings about one thing. */
export function findingsAbout(about: string) {
  const make = (health: Health) => (text: string, remedy: string) => ({
    ...{ about, health },
    ...{ text, remedy },
  });
  return {
    ok: (text: string): Finding => make("ok")(text, ""),
    warn: make("warn") as (text: string, remedy: string) => Finding,
    fail: make("fail") as (text: string, remedy: string) => Finding,
    unknown: make("unknown") as (text: string, remedy: string) => Finding,
  };
}

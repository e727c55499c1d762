// Several places with the same files: the first that gives what it should is taken.
import { UpdateError } from "./source.ts";

/** The address of a file below a mirror's; each part of the name is escaped. */
export function below(base: string, name: string): string {
  const path = name.split("/").map(encodeURIComponent).join("/");
  return base.endsWith("/") ? base + path : `${base}/${path}`;
}

// Another mirror can't help when it is us who can't.
const OUR_OWN = new Set(["full", "licence"]);

/**
 * Does the work with one mirror after the other until it succeeds; throws the first mirror's error,
 * with what was wrong at the others, when all have failed.
 */
export async function fromAny<T>(
  mirrors: readonly string[],
  signal: AbortSignal,
  work: (mirror: string) => Promise<T>,
): Promise<T> {
  const failures: UpdateError[] = [];
  for (const mirror of mirrors) {
    try {
      return await work(mirror);
    } catch (error) {
      if (!(error instanceof UpdateError) || OUR_OWN.has(error.kind) || signal.aborted) throw error;
      failures.push(error);
    }
  }
  const [first, ...others] = failures;
  if (first === undefined) throw new UpdateError("invalid", "the feed has no address");
  if (others.length === 0) throw first;
  // What was proven wrong anywhere matters more than that somebody did not answer.
  const grave = failures.find(({ kind }) => kind === "invalid") ?? first;
  const pauses = failures.map(({ retryAt }) => retryAt);
  const reason = failures.map(({ message }) => message).join("; ");
  // Only when each of them asks for a pause does the feed pause.
  const known = pauses.filter((each) => each !== undefined);
  const retryAt = known.length === pauses.length ? Math.min(...known) : undefined;
  throw new UpdateError(grave.kind, reason, {
    cause: grave,
    ...(retryAt !== undefined && { retryAt }),
  });
}

/** A time (milliseconds since the epoch) as header fields have it, in UTC. RFC 5322 §3.3. */
export function headerDate(at: number): string {
  // The zone is written as digits there.
  return new Date(at).toUTCString().replace("GMT", "+0000");
}

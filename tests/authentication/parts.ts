// What the checks of this folder work with: a resolver that asks a fake DNS server.

import { Deadline } from "../../src/authentication/deadline.ts";
import { CheckLookup } from "../../src/authentication/lookup.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Resolver } from "../../src/dns/resolver.ts";
import type { FakeDns } from "../harness/fake-dns.ts";

/** Parts of one check; `now` is for signatures that expire. */
export function checkParts(
  dns: FakeDns,
  { now, timeoutMs = 5000 }: { now?: Date; timeoutMs?: number } = {},
) {
  const servers = [dns.endpoint];
  const resolver = new Resolver({ servers, timeoutMs: 1000, rounds: 1, clock: systemClock });
  const deadline = new Deadline(timeoutMs);
  const lookup = new CheckLookup(resolver, deadline);
  return { lookup, deadline, hostname: "gw.example.org", timeoutMs, ...(now && { now }) };
}

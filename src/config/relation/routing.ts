// Rules about routes: what can never work, or would send a password in clear, is refused.
import { isIP } from "node:net";
import { parsePlace, parseRouteMask } from "../../text/mail-route.ts";
import type { Conflict } from "../conflict.ts";
import type { Config } from "../schema.ts";
import type { RouteSettings } from "../tables.ts";

function* conflictsOf(route: RouteSettings, key: string): Generator<Conflict> {
  if (route.to.length === 0) {
    yield { keys: [`${key}.to`, key], message: "the route is for nobody: set to" };
  }
  if (route.hosts.length === 0) {
    yield { keys: [`${key}.hosts`, key], message: "the route leads nowhere: set hosts" };
  }
  if ((route.user === "") !== (route.password === "")) {
    const keys = [`${key}.user`, `${key}.password`];
    yield { keys, message: "user and password belong together: set both or neither" };
  }
  const places = route.hosts.map((host) => parsePlace(host));
  const isLocal = places.every((place) => place?.kind === "socket");
  if (route.tls === "off" && route.user !== "" && !isLocal) {
    yield { keys: [`${key}.tls`], message: "the password would not be sent without TLS" };
  }
  if (route.tls === "off" && route.protocol === "smtps") {
    yield { keys: [`${key}.tls`], message: "smtps is TLS: leave tls out, or use smtp" };
  }
  if (route.protocol === "lmtp") {
    for (const [position, place] of places.entries()) {
      if (place?.kind !== "mx") continue;
      // RFC 2033 §5: LMTP must not be used on port 25, nor does MX lead to it.
      const message = `LMTP hosts are not found by MX: write "${place.domain}:24", or the port it has`;
      yield { keys: [`${key}.hosts[${position}]`], message };
    }
  }
  if (
    route.retry_min !== undefined &&
    route.retry_max !== undefined &&
    route.retry_min > route.retry_max
  ) {
    yield { keys: [`${key}.retry_min`], message: "retry_min must not be more than retry_max" };
  }
  yield* sourceConflicts(route.source_addresses ?? [], `${key}.source_addresses`);
}

function* sourceConflicts(addresses: readonly string[], key: string): Generator<Conflict> {
  for (const [position, address] of addresses.entries()) {
    const isFirst = addresses.findIndex((each) => isIP(each) === isIP(address)) === position;
    if (isFirst) continue;
    const message = `there is another IPv${isIP(address)} address: one of each family is used`;
    yield { keys: [`${key}[${position}]`], message };
  }
}

function* coveredMasks(routes: readonly RouteSettings[]): Generator<Conflict> {
  const seen = new Map<string, number>();
  for (const [index, { to }] of routes.entries()) {
    for (const [position, mask] of to.entries()) {
      const key = parseRouteMask(mask) ?? mask;
      const earlier = seen.get(key) ?? seen.get("*");
      if (earlier === undefined) {
        seen.set(key, index);
        continue;
      }
      const message = `"${mask}" never counts: [[route]] ${earlier + 1} takes it first`;
      yield { keys: [`route[${index}].to[${position}]`], message };
    }
  }
}

// Without a resolver that can be believed DANE would be no more than a word.
function* daneConflicts(config: Config): Generator<Conflict> {
  if (config["dns.trusted"]) return;
  const message = 'tls = "dane" needs DNS servers that validate: set dns.trusted = true';
  if (config["outbound.tls"] === "dane") yield { keys: ["outbound.tls"], message };
  for (const [index, { tls }] of config.route.entries()) {
    if (tls === "dane") yield { keys: [`route[${index}].tls`], message };
  }
}

/** What is wrong with routes; empty if nothing is. */
export function findRouteConflicts(config: Config): readonly Conflict[] {
  return [
    ...config.route.flatMap((route, index) => [...conflictsOf(route, `route[${index}]`)]),
    ...coveredMasks(config.route),
    ...daneConflicts(config),
    ...sourceConflicts(config["outbound.source_addresses"], "outbound.source_addresses"),
  ];
}

// Rules about [[listener]] and [[certificate]]: what could not work, or would be less safe than it
// looks, is refused.
import { parseListenPlace } from "../../base/endpoint.ts";
import { isSafeLdap } from "../access/conflicts.ts";
import type { Conflict } from "../conflict.ts";
import type { Config } from "../schema.ts";
import type { ListenerSettings } from "../tables.ts";

const SMTP_PORT = 25;

function* wrongDoor(at: string, door: ListenerSettings, config: Config): Generator<Conflict> {
  const hasCertificate = config["inbound.tls_certificate"] !== "";
  const wrong = (key: string, message: string) => ({ keys: [`${at}.${key}`, at], message });
  if (door.listen.length === 0) yield wrong("listen", "[[listener]] needs listen: where to wait");
  if (door.tls === "implicit" && !hasCertificate) {
    yield wrong("tls", 'tls = "implicit" needs inbound.tls_certificate');
  }
  const auth = door.auth ?? (door.role === "submission" ? "required" : "off");
  if (auth !== "off") {
    const places = config["login.users_file"] + config["login.ldap_url"];
    const key = door.auth === undefined ? "role" : "auth";
    if (places === "") {
      yield wrong(key, "who logs in? set login.users_file or login.ldap_url");
    }
    // RFC 4954 §4: passwords do not pass in the clear, so nobody could ever log in.
    if (!hasCertificate || door.tls === "none") {
      yield wrong(key, "users log in over TLS only: set inbound.tls_certificate, and tls here");
    }
  }
  const ports = door.listen.map((text) => {
    const place = parseListenPlace(text);
    return place?.kind === "tcp" ? place.port : 0;
  });
  // RFC 2033 §5.
  if (door.protocol === "lmtp" && ports.includes(SMTP_PORT)) {
    yield wrong("protocol", "LMTP must not be spoken on port 25, where SMTP is expected");
  }
  // Who forges a PROXY header is whoever it likes to be, a relay network for example.
  for (const key of ["proxy_networks", "xclient_networks"] as const) {
    if (door[key].some((network) => network.endsWith("/0"))) {
      yield wrong(key, `${key} must not be everyone: whoever is in it can claim to be any client`);
    }
  }
}

function* wrongDirectory(config: Config): Generator<Conflict> {
  const url = config["login.ldap_url"];
  if (url === "") return;
  if (!isSafeLdap(url, config["login.ldap_starttls"])) {
    const message = "passwords would pass in the clear: write ldaps:// or set login.ldap_starttls";
    yield { keys: ["login.ldap_url"], message };
  }
  if (!config["login.ldap_filter"].includes("{user}")) {
    const message = "login.ldap_filter must hold {user}, where the name goes";
    yield { keys: ["login.ldap_filter"], message };
  }
}

function* wrongRates({ rate }: Config): Generator<Conflict> {
  const names = new Set<string>();
  for (const [at, { name, of, per }] of rate.entries()) {
    if (names.has(name)) {
      const message = `there are two of [[rate]] with the name "${name}"`;
      yield { keys: [`rate[${at}].name`], message };
    }
    names.add(name);
    if (of === "sessions" && (per === "sender" || per === "user")) {
      const message = `a ${per} is not known when a session begins: count messages instead`;
      yield { keys: [`rate[${at}].per`, `rate[${at}]`], message };
    }
  }
}

/** What does not fit together; empty if all does. */
export function findDoorConflicts(config: Config): readonly Conflict[] {
  const conflicts = config.listener.flatMap((door, at) => [
    ...wrongDoor(`listener[${at}]`, door, config),
  ]);
  conflicts.push(...wrongRates(config));
  conflicts.push(...wrongDirectory(config));
  const places = new Map<string, string>();
  const all = [
    ...config["inbound.listen"].map((place, at) => [place, `inbound.listen[${at}]`] as const),
    ...config.listener.flatMap(({ listen }, door) =>
      listen.map((place, at) => [place, `listener[${door}].listen[${at}]`] as const),
    ),
  ];
  for (const [place, key] of all) {
    const isFree = parseListenPlace(place)?.kind === "tcp" && place.endsWith(":0");
    if (places.has(place) && !isFree) {
      conflicts.push({ keys: [key], message: `${place} stands in two places` });
    }
    places.set(place, key);
  }
  if (all.length === 0) {
    const message = "inbound.listen must name at least one address where there is no [[listener]]";
    conflicts.push({ keys: ["inbound.listen"], message });
  }
  for (const [at, { certificate, key }] of config.certificate.entries()) {
    const keys = [`certificate[${at}]`];
    if (certificate === "" || key === "") {
      conflicts.push({ keys, message: "[[certificate]] needs both certificate and key" });
    } else if (config["inbound.tls_certificate"] === "") {
      const message =
        "[[certificate]] needs inbound.tls_certificate, for clients that ask for no name";
      conflicts.push({ keys, message });
    }
  }
  return conflicts;
}

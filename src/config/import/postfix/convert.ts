// From Postfix's main.cf to settings of gw: whose mail is taken, where it goes, limits, TLS.
import { formatDuration, formatSize, parseDuration } from "../../../text/units.ts";
import type { Raw, Schema } from "../../field.ts";
import { SCHEMA } from "../../schema.ts";
import { Draft } from "../draft.ts";
import { type Entry, Report } from "../entry.ts";
import { fit } from "../fit.ts";
import { expander, parseMainCf, readTable, wordsOfPostfix } from "./main-cf.ts";
import { CHANGED, NEEDLESS, PARAMETERS, type Parameter } from "./parameters.ts";
import { convertRoutes } from "./routes.ts";
import type { PostfixWork } from "./work.ts";

const schema: Schema = SCHEMA;
const SECOND_MS = 1000;

// As Postfix writes times: `300s`, `5d`, `1w`, or a number of the parameter's own unit.
function secondsOf(value: string, unit: string): number | undefined {
  const weeks = /^(\d{1,4})w$/.exec(value)?.[1];
  const ms =
    weeks === undefined
      ? parseDuration(/^\d+$/.test(value) ? value + unit : value)
      : Number(weeks) * 604_800_000;
  return ms === undefined ? undefined : ms / SECOND_MS;
}

function rawOf({ form, unit = "s", range, zero }: Parameter, value: string) {
  if (form === "text") return { raw: value as Raw, note: "" };
  const number =
    form === "time" ? secondsOf(value, unit) : /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  if (number === undefined) return undefined;
  const [min, max] = range ?? [0, Number.MAX_SAFE_INTEGER];
  const isNone = number === 0 && zero !== undefined;
  const taken = isNone ? max : Math.min(Math.max(number, min), max);
  const note = isNone ? zero : taken === number ? "" : `gw takes ${min} to ${max}`;
  const raw: Raw =
    form === "bytes"
      ? formatSize(taken)
      : form === "time"
        ? formatDuration(taken * SECOND_MS)
        : taken;
  return { raw, note };
}

function convertOne(
  { draft, report, expand }: PostfixWork,
  entry: Entry,
  parameter: Parameter,
): void {
  const { key, was, changed = "" } = parameter;
  const value = expand(entry.value);
  if (value === was) {
    report.note(entry, "taken", [key], "the default there: gw's default counts");
    return;
  }
  const made = rawOf(parameter, value);
  const type = schema[key]?.type;
  if (made === undefined || type?.read(made.raw).kind !== "value") {
    report.note(entry, "wrong", [key], `expected ${type?.expected}; gw's default counts`);
    return;
  }
  draft.settings.set(key, made.raw, entry);
  const note = [changed, made.note].filter((each) => each !== "").join("; ");
  report.note(entry, note === "" ? "taken" : "changed", [key], note);
}

/** The words of a list, with those of the files that it names. */
function listOf(work: PostfixWork, entry: Entry, key: string): string[] {
  return wordsOfPostfix(work.expand(entry.value)).flatMap((word) => {
    const table =
      /^[a-z]+:/.test(word) || word.startsWith("/")
        ? readTable(work.file, word)
        : [{ key: word, value: "" }];
    if (Array.isArray(table)) return table.map((line) => line.key);
    work.report.note(entry, "changed", [key], table ?? `not taken: ${word}`);
    return [];
  });
}

function convertNetworks(work: PostfixWork): void {
  const key = "inbound.relay_networks";
  const entry = work.find("mynetworks");
  if (entry === undefined) return;
  for (const word of listOf(work, entry, key)) {
    const [, address = word, bits = ""] = /^\[(.+)\](\/\d+)?$/.exec(word) ?? [];
    const whole = /\//.test(address + bits)
      ? address + bits
      : `${address}/${address.includes(":") ? 128 : 32}`;
    if (word.startsWith("!")) {
      const note = `${word}: gw has no exceptions; take smaller networks`;
      work.report.note(entry, "changed", [key], note);
    } else if (schema[key]?.type.element?.read(whole).kind !== "value") {
      work.report.note(entry, "changed", [key], `not taken: ${word}`);
    } else {
      work.draft.settings.add(key, whole, entry);
      work.report.note(entry, "taken", [key]);
    }
  }
  // An exception that gw can't make: rather nobody than somebody who was not meant.
  if (wordsOfPostfix(entry.value).some((word) => word.startsWith("!")))
    work.draft.settings.delete(key);
}

const LOCAL_NAME = /^(localhost(\..*)?|.*\.localdomain)$/i;

function convertDomains(work: PostfixWork): void {
  const key = "inbound.relay_domains";
  for (const name of [
    "relay_domains",
    "mydestination",
    "virtual_mailbox_domains",
    "virtual_alias_domains",
  ]) {
    const entry = work.find(name);
    if (entry === undefined) continue;
    const isRelayed = name === "relay_domains";
    for (const word of listOf(work, entry, key)) {
      const domain = word.replace(/^\.(?=[^.])/, "*.");
      if (LOCAL_NAME.test(domain) || domain === work.draft.settings.get("server.hostname"))
        continue;
      if (schema[key]?.type.element?.read(domain).kind === "value") {
        work.draft.settings.add(key, domain, entry);
      } else work.report.note(entry, "changed", [key], `not taken: ${word}`);
    }
    if (isRelayed) work.report.note(entry, "taken", [key]);
    else {
      const note = "gw keeps no mailboxes: name the host that does in outbound.routes";
      work.report.note(entry, "changed", [key], note);
    }
  }
}

function convertTls(work: PostfixWork): void {
  const { draft, report, find, expand } = work;
  const chain = find("smtpd_tls_chain_files");
  const certificate = find("smtpd_tls_cert_file") ?? chain;
  const key = find("smtpd_tls_key_file") ?? certificate;
  const [file = ""] = wordsOfPostfix(expand(certificate?.value ?? ""));
  if (certificate !== undefined && key !== undefined && file.startsWith("/")) {
    const [keyFile = ""] = wordsOfPostfix(expand(key.value));
    draft.settings.set("inbound.tls_certificate", file, certificate);
    draft.settings.set("inbound.tls_key", keyFile.startsWith("/") ? keyFile : file, key);
    report.note(certificate, "taken", ["inbound.tls_certificate"]);
    report.note(key, "taken", ["inbound.tls_key"]);
  } else
    for (const entry of [certificate, key]) {
      if (entry !== undefined)
        report.note(entry, "changed", [], "not taken: no path that starts with /");
    }
  const level = find("smtp_tls_security_level");
  if (level === undefined) return;
  const word = expand(level.value);
  const words: Readonly<Record<string, readonly [string, string]>> = {
    none: ["off", ""],
    may: ["opportunistic", ""],
    dane: ["opportunistic", "see outbound settings for DANE"],
    encrypt: ["required", "required also wants a valid certificate"],
  };
  const [mode, note] = words[word] ?? ["required", "required wants a valid certificate"];
  draft.settings.set("outbound.tls", mode, level);
  report.note(level, note === "" ? "taken" : "changed", ["outbound.tls"], note);
}

function convertListen(work: PostfixWork): void {
  const entry = work.find("inet_interfaces");
  if (entry === undefined) return;
  const key = "inbound.listen";
  for (const word of wordsOfPostfix(work.expand(entry.value))) {
    const address = word.replace(/^\[(.*)\]$/, "$1");
    const endpoint = address.includes(":") ? `[${address}]:25` : `${address}:25`;
    if (word === "all") work.report.note(entry, "taken", [key], "gw's default");
    else if (word === "loopback-only" || word === "localhost") {
      for (const each of ["127.0.0.1:25", "[::1]:25"]) work.draft.settings.add(key, each, entry);
      work.report.note(entry, "taken", [key]);
    } else if (schema[key]?.type.element?.read(endpoint).kind === "value") {
      work.draft.settings.add(key, endpoint, entry);
      work.report.note(entry, "taken", [key]);
    } else work.report.note(entry, "changed", [key], `not taken: ${word} is no address`);
  }
}

/** Converts the text of a main.cf; tables are looked for where it says and beside `file`. */
export function convertPostfix(text: string, file: string): { draft: Draft; report: Report } {
  const entries = parseMainCf(text);
  const last = new Map(entries.map((entry) => [entry.name, entry]));
  const find = (name: string) => last.get(name);
  const work: PostfixWork = {
    file,
    draft: new Draft(),
    report: new Report(),
    find,
    expand: expander(entries),
  };
  for (const [name, entry] of last) {
    const parameter = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    if (parameter !== undefined) convertOne(work, entry, parameter);
  }
  convertNetworks(work);
  convertDomains(work);
  convertRoutes(work);
  convertTls(work);
  convertListen(work);
  fit(work.draft, work.report);
  for (const entry of entries) {
    const { report } = work;
    if (report.has(entry)) continue;
    const counted = last.get(entry.name);
    const note = CHANGED.find(([pattern]) => pattern.test(entry.name))?.[1];
    if (counted !== entry) report.note(entry, "needless", [], `set again in line ${counted?.line}`);
    else if (NEEDLESS.some((pattern) => pattern.test(entry.name))) report.note(entry, "needless");
    else if (note !== undefined) report.note(entry, "changed", [], note);
    else report.note(entry, "unknown", [], "gw knows nothing like it");
  }
  return { draft: work.draft, report: work.report };
}

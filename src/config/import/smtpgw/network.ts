// Sections network, forward, ave and the archives of path: what a gateway is called, where it listens,
// whose mail it takes and where that goes.
import { isIP } from "node:net";
import type { Schema } from "../../field.ts";
import { SCHEMA } from "../../schema.ts";
import type { Entry } from "../entry.ts";
import { flagOf, wordsOf } from "./ini.ts";
import { entriesOf, type Work } from "./work.ts";

const SMTP_PORT = 25;
/** `ScanTimeout=0` had no limit; gw has one always. */
const TIMEOUT_SECONDS_MAX = 3600;
const TIMEOUT_WAS = "0";
const LISTEN_WAS = "0.0.0.0:25";

// Sets or adds if the field takes it, and says what became of the parameter.
function take(work: Work, entry: Entry, target: { key: string; raw: string; note?: string }): void {
  const { key, raw, note = "" } = target;
  const schema: Schema = SCHEMA;
  const { type } = schema[key] as Schema[string];
  const { element } = type;
  const isFile = element !== undefined && /^file:\//.test(raw);
  if (!isFile && (element ?? type).read(raw).kind === "wrong") {
    work.report.note(entry, "wrong", [key], `expected ${(element ?? type).expected}`);
    return;
  }
  if (element === undefined) work.draft.settings.set(key, raw, entry);
  else work.draft.settings.add(key, raw, entry);
  work.report.note(entry, note === "" ? "taken" : "changed", [key], note);
}

function listenOn(work: Work): void {
  for (const entry of entriesOf(work, "smtpgw.network", "ListenOn")) {
    for (const word of wordsOf(entry.value)) {
      if (word === LISTEN_WAS && entriesOf(work, "smtpgw.network", "ListenOn").length === 1) {
        work.report.note(entry, "taken", ["inbound.listen"], "the default of both");
        continue;
      }
      const raw =
        isIP(word) === 4 ? `${word}:${SMTP_PORT}` : isIP(word) === 6 ? `[${word}]:25` : word;
      take(work, entry, { key: "inbound.listen", raw });
    }
  }
}

function names(work: Work): void {
  for (const entry of entriesOf(work, "smtpgw.network", "Hostname")) {
    take(work, entry, { key: "server.hostname", raw: entry.value });
  }
  const [host] = entriesOf(work, "smtpgw.network", "Hostname").slice(-1);
  for (const entry of entriesOf(work, "smtpgw.network", "Postmaster")) {
    const isLocal = !entry.value.includes("@") && host !== undefined;
    const raw = isLocal ? `${entry.value}@${host.value}` : entry.value;
    const note = isLocal ? `gw wants a whole address: ${raw}` : "";
    take(work, entry, { key: "server.postmaster", raw, note });
  }
  for (const entry of entriesOf(work, "smtpgw.network", "ProtectedDomains")) {
    if (wordsOf(entry.value).length === 0) work.report.note(entry, "taken", [], "empty");
    for (const word of wordsOf(entry.value)) {
      take(work, entry, { key: "inbound.relay_domains", raw: word.replace(/^(\*?@)/, "") });
    }
  }
}

// `mask host`, `mask [host]`, `mask [host:port]`.
function routes(work: Work): void {
  for (const entry of entriesOf(work, "smtpgw.forward", "ForwardRoute")) {
    const [mask = "", hop = "", ...rest] = entry.value.trim().split(/\s+/);
    if (rest.length > 0 || hop === "") {
      work.report.note(entry, "wrong", ["outbound.routes"], "expected a mask and a host");
      continue;
    }
    // In brackets it was host and port; gw has the port behind them, as RFC 5321 has literals.
    const target = hop.replace(/^\[([^\]:]+):(\d+)\]$/, "[$1]:$2");
    const domain = mask
      .replace(/^\*@(?=[^*])/, "")
      .replace(/^\*@\*\./, "*.")
      .replace(/^\*@\*$/, "*");
    take(work, entry, { key: "outbound.routes", raw: `${domain} ${target}` });
  }
}

function scanning(work: Work): void {
  const { report, draft } = work;
  for (const name of ["ScanArchives", "ScanMailBases"]) {
    for (const entry of entriesOf(work, "smtpgw.ave", name)) {
      const flag = flagOf(entry.value);
      if (flag === undefined) report.note(entry, "wrong", [], "expected yes or no");
      else if (flag) report.note(entry, "taken", [], "gw always looks into them");
      else
        report.note(entry, "changed", [], "gw always looks into them; a limit is scan.depth_max");
    }
  }
  for (const entry of entriesOf(work, "smtpgw.ave", "UseIChecker")) {
    report.note(entry, "needless", [], "gw remembers objects that it has just found clean");
  }
  for (const entry of entriesOf(work, "smtpgw.ave", "ScanTimeout")) {
    const key = "scan.timeout";
    if (!/^\d{1,6}$/.test(entry.value)) {
      report.note(entry, "wrong", [key], "expected a number of seconds");
    } else if (entry.value === TIMEOUT_WAS) {
      report.note(entry, "changed", [key], "gw always has a limit: its default counts");
    } else {
      const seconds = Math.min(Number(entry.value), TIMEOUT_SECONDS_MAX);
      draft.settings.set(key, `${seconds}s`, entry);
      report.note(entry, "changed", [key], "it is for a message, not an object; then: unscanned");
    }
  }
}

function archives(work: Work): void {
  const kinds = [
    ["IncomingArchivePath", "incoming"],
    ["OutgoingArchivePath", "outgoing"],
  ] as const;
  for (const [name, kind] of kinds) {
    for (const entry of entriesOf(work, "smtpgw.path", name)) {
      const key = "policy.archive";
      if (entry.value === "") {
        work.report.note(entry, "taken", [key], "empty: no archive");
        continue;
      }
      const other = work.draft.settings.get(key);
      const raw = other === undefined || other === kind ? kind : "all";
      work.draft.settings.set(key, raw, entry);
      work.report.note(
        entry,
        "changed",
        [key],
        "the archive is in server.data_dir; gw quarantine lists it",
      );
    }
  }
}

/** Converts these sections. */
export function convertNetwork(work: Work): void {
  listenOn(work);
  names(work);
  routes(work);
  scanning(work);
  archives(work);
}

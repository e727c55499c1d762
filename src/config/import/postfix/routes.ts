// transport_maps and relayhost: where mail goes. Postfix takes the closest match whatever the order, gw
// the first one: addresses come before domains, and those before what is below them.
import type { Schema } from "../../field.ts";
import { ROUTE_FIELDS } from "../../fields/route.ts";
import { SCHEMA } from "../../schema.ts";
import type { Entry } from "../entry.ts";
import { readTable, type TableLine, wordsOfPostfix } from "./main-cf.ts";
import type { PostfixWork } from "./work.ts";

const ROUTES = "outbound.routes";
const schema: Schema = SCHEMA;

// Closest first.
function rankOf(key: string): number {
  if (key === "*") return Number.MAX_SAFE_INTEGER;
  if (key.includes("@")) return 0;
  return key.startsWith(".") ? 100_000 - key.length : 1;
}

const maskOf = (key: string) => (key.startsWith(".") ? `*${key}` : key);

/** `[host]:port`, `host:port` or `host`, without words in place of a number. */
function hopOf(target: string): string {
  const named = /^(.*):(smtp|submission|smtps)$/.exec(target);
  const ports: Readonly<Record<string, string>> = { smtp: "25", submission: "587", smtps: "465" };
  return named === null ? target : `${named[1]}:${ports[named[2] ?? ""] ?? "25"}`;
}

function convertLine(work: PostfixWork, entry: Entry, { key, value }: TableLine): string {
  const [, transport = "", target = ""] = /^([^:]*):(.*)$/.exec(value) ?? ["", "", value];
  const mask = maskOf(key);
  if (transport === "lmtp") {
    const host = target.replace(/^inet:/, "");
    const isTaken = ROUTE_FIELDS.hosts.type.read([host]).kind === "value";
    if (!isTaken || ROUTE_FIELDS.to.type.read([mask]).kind !== "value") return `${key} ${value}`;
    const route = work.draft.row("route", entry);
    route.set("to", [mask], entry);
    route.set("hosts", [host], entry);
    route.set("protocol", "lmtp", entry);
    return "";
  }
  if (target === "" || !/^(smtp|relay|esmtp|)$/.test(transport)) return `${key} ${value}`;
  const route = `${mask} ${hopOf(target)}`;
  if (schema[ROUTES]?.type.element?.read(route).kind !== "value") return `${key} ${value}`;
  work.draft.settings.add(ROUTES, route, entry);
  return "";
}

/** Converts transport_maps, then relayhost, which is for all the rest. */
export function convertRoutes(work: PostfixWork): void {
  const maps = work.find("transport_maps");
  for (const word of maps === undefined ? [] : wordsOfPostfix(work.expand(maps.value))) {
    if (maps === undefined) break;
    const lines = readTable(work.file, word);
    if (!Array.isArray(lines)) {
      const note = lines ?? `not taken: ${word} is no table with a text as its source`;
      work.report.note(maps, "changed", [ROUTES], note);
      continue;
    }
    work.report.note(maps, "taken", [ROUTES], `${lines.length} lines of ${word}`);
    for (const line of lines.toSorted((a, b) => rankOf(a.key) - rankOf(b.key))) {
      const left = convertLine(work, maps, line);
      if (left !== "") work.report.note(maps, "changed", [ROUTES], `not taken: ${left}`);
    }
  }
  const relayhost = work.find("relayhost");
  const [hop] = wordsOfPostfix(work.expand(relayhost?.value ?? ""));
  if (relayhost === undefined) return;
  if (hop === undefined) work.report.note(relayhost, "taken", [ROUTES], "empty: by MX");
  else {
    const route = `* ${hopOf(hop)}`;
    const isTaken = schema[ROUTES]?.type.element?.read(route).kind === "value";
    if (isTaken) work.draft.settings.add(ROUTES, route, relayhost);
    work.report.note(relayhost, isTaken ? "taken" : "wrong", [ROUTES]);
  }
}

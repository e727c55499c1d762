// `gw exempt …`: what is let through although something is seen in it, by whose word and how long.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { DAY_MS } from "../../../base/clock.ts";
import { describeError } from "../../../base/log.ts";
import { loadConfig } from "../../../config/load.ts";
import { DEFAULT_GROUP } from "../../../config/rules.ts";
import type { ExemptionItem, NewExemption } from "../../../store/rows/exemption-rows.ts";
import { nearest } from "../../../text/nearest.ts";
import { printable } from "../../../text/printable.ts";
import { parseDuration } from "../../../text/units.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { configFile } from "../../config-file.ts";
import { PLACE, timeOf, withStore } from "../../place.ts";
import { counted, drawTable, showTime } from "../../view/table.ts";

/** Nobody remembers for longer why something was let through. */
const LIFETIME_MAX_MS = 366 * DAY_MS;

function hashOf(args: { readonly hash?: string | undefined; readonly file?: string | undefined }) {
  if (args.file !== undefined) {
    if (args.hash !== undefined) throw new CliError("give --hash or --file, not both");
    try {
      return createHash("sha256").update(readFileSync(args.file)).digest("hex");
    } catch (error) {
      throw new CliError(`${printable(args.file)}: ${describeError(error)}`, { cause: error });
    }
  }
  const hash = args.hash?.toLowerCase();
  if (hash !== undefined && !/^[0-9a-f]{64}$/.test(hash)) {
    throw new CliError("--hash needs the SHA-256 of a file, 64 hexadecimal digits");
  }
  return hash;
}

function expiryOf(
  args: { readonly until?: string | undefined; readonly for?: string | undefined },
  now: number,
): number {
  if (args.for !== undefined && args.until !== undefined) {
    throw new CliError("give --for or --until, not both");
  }
  const text = args.for ?? needed(args.until, "for or --until");
  const duration = parseDuration(text);
  if (args.for !== undefined && duration === undefined) {
    throw new CliError(`--for needs a time such as 30d, not "${printable(text)}"`);
  }
  const expiresAt = duration === undefined ? timeOf(text, now) : now + duration;
  if (expiresAt <= now) throw new CliError("that is over already");
  if (expiresAt > now + LIFETIME_MAX_MS) throw new CliError("that is more than a year ahead");
  return expiresAt;
}

function needed(value: string | undefined, option: string): string {
  if (value === undefined) throw new CliError(`--${option} is needed`);
  return value;
}

function checkGroup(group: string, config: string | undefined): void {
  const names = [DEFAULT_GROUP, ...loadConfig(configFile(config)).group.map(({ name }) => name)];
  if (names.includes(group)) return;
  const near = nearest(group, names);
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  throw new CliError(`no group is named "${printable(group)}"${hint}`);
}

/** `gw exempt add` */
export const add = command(
  {
    file: { type: "string", valueHint: "FILE", description: "let this very content pass" },
    hash: { type: "string", valueHint: "HEX", description: "the same by its SHA-256" },
    signature: { type: "string", valueHint: "NAME", description: "take this match for none" },
    sender: { type: "string", valueHint: "MASK", description: "only in mail of these senders" },
    group: { type: "string", valueHint: "NAME", description: "only for this group" },
    for: { type: "string", valueHint: "TIME", description: "how long: 2h, 30d" },
    until: { type: "string", valueHint: "TIME", description: "the same by its end: 2026-12-24" },
    reason: { type: "string", valueHint: "TEXT", description: "why it is right to" },
    owner: { type: "string", valueHint: "WHO", description: "who answers for it; else you" },
    ...PLACE,
  },
  (args, terminal) =>
    withStore(args, (store) => {
      const now = Date.now();
      const hash = hashOf(args);
      const { signature, sender, group } = args;
      if (hash === undefined && signature === undefined) {
        throw new CliError("say what is exempt: --file, --hash or --signature");
      }
      if (group !== undefined) checkGroup(group, args.config);
      const exemption: NewExemption = {
        ...(hash !== undefined && { hash }),
        ...(signature !== undefined && { signature }),
        ...(sender !== undefined && { sender }),
        ...(group !== undefined && { group }),
        expiresAt: expiryOf(args, now),
        owner: args.owner ?? userInfo().username,
        reason: needed(args.reason, "reason"),
        createdAt: now,
      };
      const number = store.exemptions.add(exemption);
      terminal.out(`exemption ${number} holds until ${showTime(exemption.expiresAt)}\n`);
      return EXIT.good;
    }),
);

function aboutOf({ hash, signature, sender, group }: ExemptionItem): string {
  return [
    hash === undefined ? "" : `sha256 ${hash.slice(0, 16)}…`,
    signature ?? "",
    sender === undefined ? "" : `from ${sender}`,
    group === undefined ? "" : `group ${group}`,
  ]
    .filter((part) => part !== "")
    .join(", ");
}

/** `gw exempt list` */
export const list = command({ json: OPTIONS.json, ...PLACE }, (args, terminal) =>
  withStore(args, (store) => {
    const items = store.exemptions.list();
    if (args.json === true) {
      for (const item of items) terminal.out(`${JSON.stringify(item)}\n`);
      return EXIT.good;
    }
    const now = Date.now();
    const rows = items.map((item) => [
      String(item.number),
      item.expiresAt > now ? showTime(item.expiresAt) : "over",
      `${item.uses}`,
      item.owner,
      aboutOf(item),
      item.reason,
    ]);
    const columns = [
      { title: "NUMBER" },
      { title: "UNTIL" },
      { title: "USED" },
      { title: "OWNER", max: 30 },
      { title: "WHAT", max: 100 },
      { title: "REASON", max: 80 },
    ];
    if (items.length > 0) terminal.out(drawTable(terminal, columns, rows));
    terminal.out(`${counted(items.length, "exemption")}\n`);
    return EXIT.good;
  }),
);

/** `gw exempt remove` */
export const remove = command(PLACE, (args, terminal) =>
  withStore(args, (store) => {
    let removed = 0;
    for (const word of new Set(args._)) {
      if (/^[1-9]\d{0,14}$/.test(word) && store.exemptions.remove(Number(word))) removed++;
      else terminal.err(`gw: there is no exemption ${printable(word)}\n`);
    }
    terminal.out(`${counted(removed, "exemption")} removed\n`);
    return removed === new Set(args._).size ? EXIT.good : EXIT.found;
  }),
);

// `gw vault list`: what is kept, and how far its release has come.

import { KEPT_PLACES } from "../../../store/rows/vault-rows.ts";
import { roundSize } from "../../../text/units.ts";
import type { VaultItem } from "../../../vault/vault.ts";
import { type Command, command, EXIT, OPTIONS } from "../../command.ts";
import { countOf, PLACE } from "../../place.ts";
import { counted, drawTable, showRecipients, showSender, showTime } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";
import { filterOf, filtersFor, type Scope, withVault } from "./common.ts";

function drawList(terminal: Terminal, items: readonly VaultItem[], scope: Scope): string {
  const rows = items.map((item) => [
    item.id,
    ...(scope === undefined ? [item.store] : []),
    showTime(item.receivedAt),
    roundSize(item.size),
    showSender(item.sender),
    showRecipients(item.recipients, item.recipients.length),
    item.findings.length > 0 ? item.findings.join(", ") : item.status,
    item.state === "kept" ? "" : item.state,
    item.subject,
  ]);
  const columns = [
    { title: "ID" },
    ...(scope === undefined ? [{ title: "STORE" }] : []),
    { title: "RECEIVED" },
    { title: "SIZE" },
    { title: "SENDER", max: 40 },
    { title: "RECIPIENTS", max: 40 },
    { title: "FOUND", max: 60 },
    { title: "RELEASE" },
    { title: "SUBJECT", max: 60 },
  ];
  return drawTable(terminal, columns, rows);
}

/** `gw vault list` */
export function list(scope: Scope): Command {
  return command(
    {
      ...filtersFor(scope),
      limit: { type: "string", valueHint: "N", description: "at most so many messages" },
      json: OPTIONS.json,
      ...PLACE,
    },
    (args, terminal) =>
      withVault(args, (vault) => {
        const limit = args.limit === undefined ? {} : { limit: countOf(args.limit) };
        const filter = filterOf(args, scope);
        const items = vault.list({ ...filter, ...limit });
        if (args.json === true) {
          for (const item of items) terminal.out(`${JSON.stringify(item)}\n`);
          return EXIT.good;
        }
        if (items.length > 0) terminal.out(drawList(terminal, items, scope));
        const all = (filter.places ?? KEPT_PLACES).map((place) => vault.counts(place));
        const messages = all.reduce((sum, one) => sum + one.messages, 0);
        const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
        terminal.out(
          `${items.length} of ${counted(messages, "message")} (${roundSize(bytes)} in all)\n`,
        );
        return EXIT.good;
      }),
  );
}

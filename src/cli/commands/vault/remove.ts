// `gw vault delete` and `gw vault purge`: what goes for good.
import { loadConfig } from "../../../config/load.ts";
import { keepsOf } from "../../../pipeline/vault/keeper.ts";
import { LIST_MAX } from "../../../store/rows/queue-filter.ts";
import { printable } from "../../../text/printable.ts";
import { roundSize } from "../../../text/units.ts";
import type { Keep } from "../../../vault/vault.ts";
import { CliError, type Command, command, EXIT, OPTIONS } from "../../command.ts";
import { configFile } from "../../config-file.ts";
import { PLACE, timeOf } from "../../place.ts";
import { counted } from "../../view/table.ts";
import { byOf, FILTERS, filterOf, filtersFor, REASON, type Scope, withVault } from "./common.ts";

/** `gw vault delete` */
export function remove(scope: Scope): Command {
  return command({ ...filtersFor(scope), reason: REASON, ...PLACE }, (args, terminal) =>
    withVault(args, (vault) => {
      const names = Object.keys(FILTERS) as (keyof typeof FILTERS)[];
      const isFiltered = names.some((name) => args[name] !== undefined);
      if (isFiltered === args._.length > 0) {
        throw new CliError("name messages by their ids, or by filters such as --before 90d");
      }
      const ids = isFiltered ? vault.list(filterOf(args, scope)).map(({ id }) => id) : args._;
      const isThere = (id: string) => {
        const store = vault.show(id)?.store;
        return store !== undefined && (scope === undefined || store === scope);
      };
      const missing = ids.filter((id) => !isThere(id));
      const { done } = vault.delete(
        ids.filter((id) => !missing.includes(id)),
        byOf(args.reason),
      );
      for (const id of missing) {
        terminal.err(`gw: no message ${printable(id)} is in ${scope ?? "the vault"}\n`);
      }
      terminal.out(`${counted(done.length, "message")} deleted\n`);
      if (isFiltered && ids.length >= LIST_MAX) {
        terminal.err(`gw: these are the newest ${LIST_MAX}; there may be more that match\n`);
      }
      return missing.length > 0 ? EXIT.error : EXIT.good;
    }),
  );
}

/** `gw vault purge` */
export function purge(scope: Scope): Command {
  return command(
    {
      before: {
        type: "string",
        valueHint: "TIME",
        description: "what is older, not as configured",
      },
      store: {
        type: "enum",
        options: ["quarantine", "backup", "archive"],
        description: "only this store",
      },
      reason: REASON,
      json: OPTIONS.json,
      ...PLACE,
    },
    (args, terminal) =>
      withVault(args, (vault) => {
        const by = byOf(args.reason ?? "purge");
        const wanted = scope ?? args.store;
        const age = args.before === undefined ? undefined : by.at - timeOf(args.before, by.at);
        // No time at all would be for ever.
        const keepMs = age === undefined ? undefined : Math.max(1, age);
        for (const keep of keepsOf(loadConfig(configFile(args.config)))) {
          if (wanted !== undefined && keep.place !== wanted) continue;
          const now: Keep = keepMs === undefined ? keep : { ...keep, keepMs, sizeMax: 0 };
          const { messages, bytes } = vault.purge(now, { now: by.at, by });
          const said = `${keep.place}: ${counted(messages, "message")} deleted, ${roundSize(bytes)}`;
          const json = JSON.stringify({ store: keep.place, messages, bytes });
          terminal.out(args.json === true ? `${json}\n` : `${said}\n`);
        }
        return EXIT.good;
      }),
  );
}

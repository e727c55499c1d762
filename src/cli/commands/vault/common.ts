// What the verbs of `gw vault` and `gw quarantine` share: which messages are meant, who asks, and how
// a vault is opened. The quarantine's verbs are the vault's, for that store alone.
import { userInfo } from "node:os";
import type { ArgsDef } from "citty";
import type { KeptPlace, VaultFilter } from "../../../store/rows/vault-rows.ts";
import type { Store } from "../../../store/store.ts";
import { printable } from "../../../text/printable.ts";
import { type By, Vault, type VaultDetails } from "../../../vault/vault.ts";
import { CliError } from "../../command.ts";
import { type PlaceArgs, timeOf, withStore } from "../../place.ts";

/** The store that a group of verbs is about; undefined: all, and `--store` names one. */
export type Scope = KeptPlace | undefined;

const STORES = ["quarantine", "backup", "archive", "incoming", "outgoing"] as const;

/** Options by which messages are found. */
export const FILTERS = {
  sender: {
    type: "string",
    valueHint: "MASK",
    description: "only senders with this; * and ? match",
  },
  recipient: { type: "string", valueHint: "MASK", description: "only recipients with this" },
  subject: { type: "string", valueHint: "MASK", description: "only subjects with this" },
  "message-id": { type: "string", valueHint: "MASK", description: "only Message-IDs with this" },
  signature: { type: "string", valueHint: "MASK", description: "only findings with this name" },
  status: { type: "string", valueHint: "STATUS", description: "only this status: infected, …" },
  hash: { type: "string", valueHint: "SHA256", description: "only with this object in it" },
  since: { type: "string", valueHint: "TIME", description: "only from then on: 7d, 2026-11-22" },
  before: { type: "string", valueHint: "TIME", description: "only older than that" },
  store: {
    type: "enum",
    options: [...STORES],
    description: "only this store; incoming and outgoing are parts of the archive",
  },
} as const satisfies ArgsDef;

/** The filters of a group of verbs: one that is about one store has no `--store`. */
export function filtersFor(scope: Scope): typeof FILTERS {
  if (scope === undefined) return FILTERS;
  const { store: _store, ...others } = FILTERS;
  return others as typeof FILTERS;
}

/** Why somebody does something, for the log. */
export const REASON = {
  type: "string",
  valueHint: "TEXT",
  description: "why, for the log",
} as const;

type FilterArgs = Readonly<Partial<Record<keyof typeof FILTERS, string | undefined>>>;

/** The filter that options make. */
export function filterOf(args: FilterArgs, scope: Scope): VaultFilter {
  const { sender, recipient, subject, signature, status, since, before } = args;
  const hash = args.hash?.toLowerCase();
  if (hash !== undefined && !/^[0-9a-f]{64}$/.test(hash)) {
    throw new CliError("--hash needs a SHA-256, 64 hexadecimal digits");
  }
  const messageId = args["message-id"];
  return {
    ...(sender !== undefined && { sender }),
    ...(recipient !== undefined && { recipient }),
    ...(subject !== undefined && { subject }),
    ...(messageId !== undefined && { messageId }),
    ...(signature !== undefined && { signature }),
    ...(status !== undefined && { status }),
    ...(hash !== undefined && { hash }),
    ...(since !== undefined && { since: timeOf(since, Date.now()) }),
    ...(before !== undefined && { before: timeOf(before, Date.now()) }),
    ...placesOf(args.store, scope),
  };
}

function placesOf(store: string | undefined, scope: Scope): VaultFilter {
  if (scope !== undefined) return { places: [scope] };
  if (store === "incoming" || store === "outgoing") {
    return { places: ["archive"], direction: store };
  }
  return store === undefined ? {} : { places: [store as KeptPlace] };
}

/** Opens the vault that a command's options name, for as long as `work` runs. */
export function withVault(
  args: PlaceArgs,
  work: (vault: Vault, store: Store) => number | Promise<number>,
): Promise<number> {
  return withStore(args, (store) => work(new Vault(store), store));
}

/** The message of that id, or an error that says where it was looked for. */
export function find(vault: Vault, id: string, scope: Scope): VaultDetails {
  const message = vault.show(id);
  if (message !== undefined && (scope === undefined || message.store === scope)) return message;
  throw new CliError(`no message ${printable(id)} is in ${scope ?? "the vault"}`);
}

/** Who sits at the terminal, as far as the system knows. */
export function byOf(reason: string | undefined): By {
  const { SUDO_USER: behind = "" } = process.env;
  const through = behind === "" ? "" : `, sudo by ${behind}`;
  const who = `${userName()}(uid ${process.getuid?.() ?? "unknown"}${through})`;
  return { at: Date.now(), who, reason: reason ?? "" };
}

function userName(): string {
  try {
    return `${userInfo().username} `;
  } catch {
    // In a container the number may have no name.
    return "";
  }
}

// Settings of the vault: how long and how much each of its stores keeps.
import type { Schema } from "../field.ts";
import { duration, size } from "../types.ts";

const keep = () => duration({ min: "0s", max: "3650d" });
const sizeMax = () => size({ min: "0B", max: "1000000GB" });

const OLDEST_FIRST =
  "on disk, where it lies compressed. What came first is deleted first. 0B: as much as there is room for; when the disk is full new mail is deferred.";

/** Section vault. */
export const VAULT_FIELDS = {
  "vault.quarantine_keep": {
    type: keep(),
    default: "30d",
    doc: "How long a message stays in quarantine before it is deleted. 0s: until somebody deletes it.",
    example: "90d",
    knownAs: ["QuarantineLifetime"],
  },
  "vault.quarantine_size_max": {
    type: sizeMax(),
    default: "0B",
    doc: `How much the quarantine may hold ${OLDEST_FIRST}`,
    example: "20GB",
  },
  "vault.backup_keep": {
    type: keep(),
    default: "30d",
    doc: "How long a message stays in the backup store before it is deleted. 0s: until somebody deletes it.",
    example: "7d",
  },
  "vault.backup_size_max": {
    type: sizeMax(),
    default: "0B",
    doc: `How much the backup store may hold ${OLDEST_FIRST}`,
    example: "20GB",
  },
  "vault.archive_keep": {
    type: keep(),
    default: "0s",
    doc: "How long a message stays in the archive before it is deleted. 0s: until somebody deletes it.",
    example: "365d",
  },
  "vault.archive_size_max": {
    type: sizeMax(),
    default: "0B",
    doc: `How much the archive may hold ${OLDEST_FIRST}`,
    example: "500GB",
  },
} as const satisfies Schema;

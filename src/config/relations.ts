// Rules between settings: each value may be fine alone and the two wrong together.
import { accessConflicts } from "./access/conflicts.ts";
import type { Conflict } from "./conflict.ts";
import { findDoorConflicts } from "./relation/doors.ts";
import { findFeedConflicts } from "./relation/feeds.ts";
import { findRouteConflicts } from "./relation/routing.ts";
import { findRuleConflicts } from "./rules.ts";
import type { Config, ConfigKey } from "./schema.ts";

/** Objects of all scan threads lie in one WebAssembly memory, beside the signatures. */
const SCAN_MEMORY_MAX = 3 * 2 ** 30;

/** What does not fit together; empty if all does. */
export function findConflicts(config: Config): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  const rule = (holds: boolean, keys: readonly ConfigKey[], message: string) => {
    if (!holds) conflicts.push({ keys, message });
  };
  rule(
    (config["inbound.tls_certificate"] === "") === (config["inbound.tls_key"] === ""),
    ["inbound.tls_certificate", "inbound.tls_key"],
    "inbound.tls_certificate and inbound.tls_key belong together: set both or neither",
  );
  rule(
    config["queue.retry_min"] <= config["queue.retry_max"],
    ["queue.retry_min", "queue.retry_max"],
    "queue.retry_min must not be more than queue.retry_max",
  );
  rule(
    config["queue.retry_min"] <= config["queue.lifetime"],
    ["queue.lifetime", "queue.retry_min"],
    "queue.lifetime must not be less than queue.retry_min: nothing would be tried twice",
  );
  // The message is an object too: one that is let in but too large to scan would wait for ever.
  rule(
    config["inbound.message_size_max"] <= config["scan.object_size_max"],
    ["inbound.message_size_max", "scan.object_size_max"],
    "inbound.message_size_max must not be more than scan.object_size_max: " +
      "larger messages could not be scanned",
  );
  rule(
    config["scan.object_size_max"] <= config["scan.expanded_size_max"],
    ["scan.object_size_max", "scan.expanded_size_max"],
    "scan.object_size_max must not be more than scan.expanded_size_max",
  );
  rule(
    config["scan.workers"] * config["scan.object_size_max"] <= SCAN_MEMORY_MAX,
    ["scan.workers", "scan.object_size_max"],
    "scan.workers times scan.object_size_max must not be more than 3GB: " +
      "the scan threads share 4 GB of memory",
  );
  for (const key of ["inbound.session_size_max", "inbound.pending_size_max"] as const) {
    rule(
      config["inbound.message_size_max"] <= config[key],
      [key, "inbound.message_size_max"],
      `${key} must not be less than inbound.message_size_max`,
    );
  }
  rule(
    config["inbound.sessions_per_address_max"] <= config["inbound.sessions_max"],
    ["inbound.sessions_per_address_max", "inbound.sessions_max"],
    "inbound.sessions_per_address_max must not be more than inbound.sessions_max",
  );
  return [
    ...conflicts,
    ...findDoorConflicts(config),
    ...accessConflicts(config),
    ...findRuleConflicts(config),
    ...findRouteConflicts(config),
    ...findFeedConflicts(config),
  ];
}

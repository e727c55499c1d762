import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../src/config/load.ts";
import { findConflicts } from "../../src/config/relations.ts";
import type { Config, ConfigKey } from "../../src/config/schema.ts";

describe("findConflicts()", () => {
  const defaults = loadConfig(undefined);

  test("finds none in the defaults", () => {
    expect(findConflicts(defaults)).toEqual([]);
  });

  test.each<[ConfigKey, Partial<Config>]>([
    ["inbound.tls_key", { "inbound.tls_key": "/etc/gw/key.pem" }],
    ["queue.retry_max", { "queue.retry_max": 1000 }],
    ["queue.lifetime", { "queue.lifetime": 1000 }],
    ["inbound.message_size_max", { "inbound.message_size_max": 2 ** 30 }],
    ["scan.expanded_size_max", { "scan.expanded_size_max": 2 ** 20 }],
    ["scan.workers", { "scan.workers": 100 }],
    ["inbound.sessions_max", { "inbound.sessions_max": 1 }],
    ["inbound.listen", { "inbound.listen": [] }],
  ])("finds that %s does not fit", (key, values) => {
    const conflicts = findConflicts({ ...defaults, ...values });
    expect(conflicts).toHaveLength(1);
    expect(conflicts[0]?.keys).toContain(key);
    expect(conflicts[0]?.message).toContain(key);
  });
});

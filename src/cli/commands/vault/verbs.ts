// The verbs of `gw vault` and `gw quarantine` by name, with what is said of them.
import type { Group } from "../../command.ts";
import type { Scope } from "./common.ts";

/** The verbs of a group called `name` that is about one store, or all. */
export function vaultVerbs(name: string, scope: Scope): Group["verbs"] {
  return {
    list: {
      summary: "list messages, newest first, with what became of releases",
      example: `gw ${name} list --signature Eicar --since 7d`,
      load: async () => (await import("./list.ts")).list(scope),
    },
    show: {
      summary: "show one message: envelope, header, its objects with findings, releases",
      example: `gw ${name} show 0Tq3fXw1kAB`,
      operands: "ID",
      load: async () => (await import("./show.ts")).show(scope),
    },
    extract: {
      summary: 'write one object to a file, in a zip with the password "infected"',
      example: `gw ${name} extract 0Tq3fXw1kAB 3 --to sample.zip`,
      operands: "ID OBJECT",
      load: async () => (await import("./extract.ts")).extract(scope),
    },
    release: {
      summary: "scan messages again and deliver what policy lets through now",
      example: `gw ${name} release 0Tq3fXw1kAB --wait 30s`,
      operands: "ID…",
      load: async () => (await import("./release.ts")).release(scope),
    },
    delete: {
      summary: "delete messages and their bytes",
      example: `gw ${name} delete --before 90d`,
      operands: "[ID…]",
      load: async () => (await import("./remove.ts")).remove(scope),
    },
    purge: {
      summary: "delete what is older, or more, than the configuration lets be kept",
      example: `gw ${name} purge`,
      load: async () => (await import("./remove.ts")).purge(scope),
    },
  };
}

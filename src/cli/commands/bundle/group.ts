// `gw bundle`, with what is said of its verbs before they are loaded.
import type { Group } from "../../command.ts";

/** `gw bundle` */
export const BUNDLE: Group = {
  summary: "carry feeds to hosts without a network, in one file",
  verbs: {
    export: {
      summary: "fetch gw feeds and pack them into a file",
      example: "gw bundle export /media/stick/feeds.gwb",
      operands: "FILE [FEED…]",
      load: async () => (await import("./export.ts")).exportBundle,
    },
    import: {
      summary: "check the feeds in a file as online ones, and use what is new",
      example: "gw bundle import /media/stick/feeds.gwb",
      operands: "FILE [FEED…]",
      load: async () => (await import("./import.ts")).importBundle,
    },
    inspect: {
      summary: "show what a file holds, without trusting it",
      example: "gw bundle inspect /media/stick/feeds.gwb",
      operands: "FILE",
      load: async () => (await import("./inspect.ts")).inspect,
    },
  },
};

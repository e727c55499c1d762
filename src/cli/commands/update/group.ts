// `gw update` and its verbs, with what is said of them before they are loaded.
import type { Group } from "../../command.ts";

const updates = () => import("./update.ts");

/** `gw update` */
export const UPDATE: Group = {
  summary: "fetch new signatures and put them into use",
  bare: {
    summary:
      "fetch feeds and use what is new; exits 0 up to date, 1 updated, 10 failed, 30 command after it failed, 60 no licence, 75 wrong configuration",
    example: "gw update",
    operands: "[FEED…]",
    load: async () => (await updates()).update,
  },
  verbs: {
    status: {
      summary: "show how old the signatures of each feed are; exits 1 if any are too old",
      example: "gw update status",
      load: async () => (await updates()).status,
    },
    rollback: {
      summary: "go back to the signatures before the last update, or before several",
      example: "gw update rollback",
      operands: "[NUMBER]",
      load: async () => (await updates()).rollback,
    },
    mirror: {
      summary: "copy gw feeds into a folder, for others to fetch them from; run it hourly",
      example: "gw update mirror /srv/mirror",
      operands: "DIR [FEED…]",
      load: async () => (await import("./mirror.ts")).mirror,
    },
  },
};

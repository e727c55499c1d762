// What is said of `gw user` before it is loaded.
import type { Group } from "../../command.ts";

const user = () => import("./user.ts");

/** `gw user …` */
export const USER: Group = {
  summary: "keep the users who may log in to send mail",
  verbs: {
    add: {
      summary: "add a user or set another password, read from standard input",
      example: "gw user add ann --address ann@example.org",
      operands: "NAME",
      load: async () => (await user()).add,
    },
    remove: {
      summary: "remove a user",
      example: "gw user remove ann",
      operands: "NAME",
      load: async () => (await user()).remove,
    },
    list: {
      summary: "list the users with their addresses",
      example: "gw user list",
      load: async () => (await user()).list,
    },
    check: {
      summary: "tell whether a password is right; exits 1 if not",
      example: "gw user check ann",
      operands: "NAME",
      load: async () => (await user()).check,
    },
  },
};

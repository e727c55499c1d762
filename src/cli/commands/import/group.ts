// `gw import` and its verbs, with what is said of them before they are loaded.
import type { Group } from "../../command.ts";

/** `gw import` */
export const IMPORT: Group = {
  summary: "take over the configuration of another product, with a report of every parameter",
  verbs: {
    smtpgw: {
      summary: "from SMTP-Gateway 5.5 or 5.0; gw also reads such a file as it is",
      example: "gw import smtpgw smtpgw.conf /etc/gw/gw.toml",
      operands: "FILE [TOML]",
      load: async () => (await import("./smtpgw.ts")).importSmtpgw,
    },
    postfix: {
      summary: "from Postfix: networks, domains, routes, limits and TLS of main.cf",
      example: "gw import postfix /etc/postfix/main.cf gw.toml",
      operands: "FILE [TOML]",
      load: async () => (await import("./postfix.ts")).importPostfix,
    },
    mailscanner: {
      summary: "from MailScanner: rules about names and types of files, lists of addresses",
      example: "gw import mailscanner filename.rules.conf filters.toml",
      operands: "FILE [TOML]",
      load: async () => (await import("./mailscanner.ts")).importMailscanner,
    },
  },
};

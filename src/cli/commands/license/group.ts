// `gw license` and its verbs, with what is said of them before they are loaded.
import type { Group } from "../../command.ts";

const licenses = () => import("./license.ts");
const issuing = () => import("./issue.ts");

/** `gw license` */
export const LICENSE: Group = {
  summary: "entitlements for feeds that need them; scanning never depends on any",
  verbs: {
    install: {
      summary: "check a licence and keep it; each reason to refuse it has its exit code",
      example: "gw license install company.lic",
      operands: "FILE",
      load: async () => (await licenses()).install,
    },
    list: {
      summary: "list the licences that are installed, which is active and which in reserve",
      example: "gw license list",
      load: async () => (await licenses()).list,
    },
    show: {
      summary: "show a licence file and check it as install does; exits 66 before its first day",
      example: "gw license show company.lic",
      operands: "FILE",
      load: async () => (await licenses()).show,
    },
    remove: {
      summary: "take a licence away",
      example: "gw license remove 4f2a90c1",
      operands: "ID",
      load: async () => (await licenses()).remove,
    },
    stats: {
      summary: "show the mail that came in on each day, beside what licences are for",
      example: "gw license stats",
      load: async () => (await licenses()).stats,
    },
    key: {
      summary: "make the key with which you issue licences; print what goes into licence_key",
      example: "gw license key licences.key --passphrase-file phrase",
      operands: "FILE",
      load: async () => (await issuing()).key,
    },
    issue: {
      summary: "issue a licence for a feed that you run",
      example:
        'gw license issue --key a.key --holder "Example Ltd" --feed company --until 2027-12-31',
      load: async () => (await issuing()).issue,
    },
  },
};

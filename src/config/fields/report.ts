// Settings of reports by mail.
import type { Schema } from "../field.ts";
import { integer, mailbox, oneOf } from "../types.ts";

/** Section report. */
export const REPORT_FIELDS = {
  "report.mail": {
    type: oneOf(["never", "daily", "weekly"]),
    default: "never",
    doc: "How often a report of the traffic is mailed: each day about the day before, or on Mondays about the seven days before. gw report makes one at any time.",
    example: "daily",
  },
  "report.hour": {
    type: integer({ min: 0, max: 23 }),
    default: 6,
    doc: "Hour of the day at which it is sent, in the zone of the host.",
    example: 7,
  },
  "report.to": {
    type: mailbox(),
    default: "",
    doc: "Where it goes. Empty: to notice.admin, or else to server.postmaster.",
    example: "mail-team@example.org",
  },
} as const satisfies Schema;

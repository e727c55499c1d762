// Settings of notices: who gets them, and how many. What they are sent about stands in [policy].
import type { Schema } from "../field.ts";
import { integer, mailbox } from "../types.ts";

/** Section notice. */
export const NOTICE_FIELDS = {
  "notice.admin": {
    type: mailbox(),
    default: "",
    doc: "Where notices for the administrator go. Empty: to server.postmaster, if that is set.",
    example: "virus-alerts@example.org",
    knownAs: ["AdminAddress"],
  },
  "notice.from": {
    type: mailbox(),
    default: "",
    doc: "Address in the From field of notices. Their envelope has no sender, so that nothing is sent back. Empty: MAILER-DAEMON at server.hostname.",
    example: "gateway@example.org",
    knownAs: ["NotifyFromAddress"],
  },
  "notice.per_hour_max": {
    type: integer({ min: 1, max: 10_000 }),
    default: 20,
    doc: "Notices that one address gets in an hour. Further ones are told together in one digest when the hour is over.",
    example: 5,
  },
} as const satisfies Schema;

// What the log says of messages and sessions, and what to do about it.
import type { EventTable } from "./event.ts";

/** Events on a message's road. */
export const MAIL_EVENTS: EventTable = {
  "session-begun": ["A client has connected.", ""],
  "session-refused": [
    "A client was turned away in place of a greeting; reply says why.",
    "If it is one of yours, see the limits of [inbound] and the roles of [[listener]].",
  ],
  "session-ended": [
    "A session was ended with 421: it took too long or too much.",
    "If clients of yours are hit, raise the limit that the reply names.",
  ],
  "session-failed": [
    "A connection broke, or its TLS did not come about; cause says how.",
    "Single ones are ordinary. If one client always fails, see its TLS and your certificate.",
  ],
  begun: ["A message comes in; id and session belong together from here on.", ""],
  accepted: ["A message was taken on: it is scanned and safe on disk.", ""],
  refused: [
    "A command or message was refused; reply says what the client was told, cause why.",
    "gw why ADDRESS tells more. At level error it is a fault of gw: report it with the stack.",
  ],
  aborted: [
    "The client went away in the middle of a message, of which nothing was kept.",
    "If it happens often, look for a broken network path or a client with a short timeout.",
  ],
  authenticated: ["SPF, DKIM, DMARC and ARC of a message were checked.", ""],
  "authentication-failed": [
    "The check of who a message is from broke off.",
    "See cause; DNS is the usual one. gw config describe authentication tells what happens then.",
  ],
  "authentication-overrun": [
    "That check took longer than it may.",
    "See whether the DNS servers (dns.servers) answer.",
  ],
  "logged-in": ["A user has logged in.", ""],
  "login-refused": [
    "A login failed.",
    "Many from one address are somebody who guesses; they are slowed down by themselves.",
  ],
  "users-not-loaded": [
    "The list of users can't be read; the one read before is used.",
    "See cause, and gw user check.",
  ],
  scanned: [
    "What was seen in a message, and what the rules say of it.",
    "gw why ID tells each object.",
  ],
  bypassed: [
    "A message of a group that is not checked.",
    "If that is not meant, see check in the group.",
  ],
  exempted: [
    "Something was seen and let through by an exemption.",
    "gw exempt list shows it; remove it when it is no longer needed.",
  ],
  treated: ["Objects were cured, removed or replaced.", ""],
  split: ["Recipients of a message were treated differently: copy is the id of their share.", ""],
  blocked: [
    "A message was accepted and is not passed on, as the rules want it.",
    "gw why ID tells the rule.",
  ],
  "intake-failed": [
    "A message could not be taken, through a fault of gw or of the disk; the client comes again.",
    "See cause. If it lasts: gw doctor, and the disk of server.data_dir.",
  ],
  delivered: ["A next hop has taken the message for a recipient.", ""],
  deferred: [
    "A delivery failed for the time being and is tried again; reply is the next hop's.",
    "gw queue list shows what waits; gw queue retry tries it now.",
  ],
  failed: [
    "A recipient was given up; the sender is told.",
    "The reply is the next hop's: a wrong address, or mail that it does not want.",
  ],
  sent: ["A next hop has taken a message.", ""],
  "put-off": [
    "Deliveries are put off because their destination does not answer.",
    "See next-hop-down.",
  ],
  "attempt-failed": [
    "A delivery broke off through a fault of gw; the message stays in the queue.",
    "Report it with its cause.",
  ],
  dsn: ["A delivery status notification was made.", ""],
  "dsn-failed": [
    "A notification could not be stored; it is tried again.",
    "See cause: the disk is the usual one.",
  ],
  converted: ["A message was put into 7 bits for a next hop without 8BITMIME.", ""],
  "not-converted": [
    "A message could not be put into 7 bits and is returned.",
    "Have the next hop offer 8BITMIME.",
  ],
  "maybe-duplicate": [
    "The connection broke after a message was sent and before it was answered: it is sent again.",
    "",
  ],
  "next-hop-down": [
    "A next hop can't be reached; its mail waits.",
    "See whether the host runs and the route ([[route]], outbound.routes) is right.",
  ],
  "tls-failed": [
    "TLS with a next hop did not come about.",
    "See cause; the route's tls setting decides whether mail goes without.",
  ],
  "connection-opened": ["A connection to a next hop was opened.", ""],
  "connection-closed": ["A connection to a next hop was closed.", ""],
  "connection-failed": [
    "A connection to a next hop did not come about.",
    "If it lasts, next-hop-down follows.",
  ],
  "message-unreadable": [
    "A stored message can't be read for delivery.",
    "See the disk of server.data_dir; the message stays in the queue.",
  ],
  "mta-sts-policy": ["The MTA-STS policy of a domain was fetched.", ""],
  "mta-sts-not-fetched": [
    "An MTA-STS policy could not be fetched.",
    "Mail goes by the policy known before, if there is one.",
  ],
  "tls-report": ["A domain is told how encryption with its mail hosts went.", ""],
  "tls-report-failed": [
    "Such a report could not be sent; it is tried again for three days.",
    "See cause. It is about the domain's own wish, no mail waits for it.",
  ],
  "tls-results-lost": [
    "What was counted for such reports could not be stored.",
    "See cause; no mail depends on it.",
  ],
  "mta-sts-not-kept": ["An MTA-STS policy could not be stored.", "See cause."],
  notice: ["A notice was put into the queue.", ""],
  "notice-held": [
    "A receiver had enough notices for this hour; the rest comes as one digest.",
    "notice.per_hour_max sets how many.",
  ],
  "notice-failed": ["A notice could not be made or stored; mail goes on.", "See cause."],
  "notices-not-saved": [
    "How many notices were sent could not be written down; it is tried again.",
    "See cause.",
  ],
  report: ["A report of the traffic was put into the queue.", ""],
  "report-failed": [
    "A report could not be made or stored; it is tried again within a minute.",
    "See cause.",
  ],
  released: ["A message was released from the vault.", ""],
  "not-released": ["A release was given up.", "gw vault show ID tells why."],
  "release-waits": ["A release can't be done now and is tried again.", ""],
  "vault-*": ["Somebody did this with a kept message; by and reason say who and why.", ""],
  "vault-purged": ["Kept messages were deleted because their time or room was over.", ""],
  "vault-not-kept": ["Room or time of the vault could not be tended.", "See cause."],
  "not-packed": [
    "A kept message could not be compressed; it is kept as it is.",
    "See cause, if it comes again.",
  ],
  "orphans-*": [
    "Files in the vault that belong to no entry were found.",
    "They are left of a crash. Those that are kept can be looked at in the data folder.",
  ],
};

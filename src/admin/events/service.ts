// What the log says of the gateway itself: its start, settings, threads, signatures, and disk.
import type { EventTable } from "./event.ts";

const DISK =
  "See cause, and the disk of server.data_dir: room, rights, errors in the system's log.";

/** Events of the gateway itself. */
export const SERVICE_EVENTS: EventTable = {
  "runs-as-root": [
    "The gateway runs as root.",
    "Name a user without rights of its own: server.user, or --user.",
  ],
  "notify-failed": [
    "The service manager could not be told of the gateway's state.",
    "See cause; mail flows.",
  ],
  started: ["The gateway takes mail.", ""],
  stopping: ["The gateway stops: it takes no new mail and ends what is under way.", ""],
  stopped: ["The gateway has stopped.", ""],
  "handing-over": ["Another gw is to take over (gw upgrade); sessions are let end.", ""],
  "handed-over": ["The other gw takes mail; this process ends.", ""],
  "not-handed-over": [
    "The other gw could not take over; this one goes on.",
    "See cause, and try again.",
  ],
  crashed: [
    "gw has met a fault of its own and ended, so that no mail is harmed; what was accepted is on disk.",
    "Report it with its stack. The service manager starts gw again.",
  ],
  "error-ignored": [
    "An error of the system came to nobody.",
    "A single one is harmless; report it if it comes again.",
  ],
  reloaded: ["Settings and signatures were read again; waiting are those that need a restart.", ""],
  "not-reloaded": [
    "The new settings are wrong; all goes on as it was.",
    "gw config check tells what is wrong.",
  ],
  "list-changed": ["A file that the settings name has changed; they are read again.", ""],
  "list-loaded": ["A list of addresses was read again.", ""],
  "list-not-loaded": [
    "A list can't be read; the one read before is used.",
    "Mend the file that is named.",
  ],
  paused: ["Somebody has paused a stage.", "gw resume all goes on."],
  resumed: ["Somebody lets a paused stage go on.", ""],
  "control-failed": [
    "The control socket has a fault.",
    "See cause, and the rights of server.data_dir.",
  ],
  "control-file": ["A control file was found and done.", ""],
  "control-file-failed": ["What a control file asks for failed.", "See cause."],
  "control-file-stuck": [
    "A control file can't be deleted, and is not done.",
    "Give gw the right to write in server.control_dir.",
  ],
  "certificate-loaded": ["A new certificate is in use.", ""],
  "certificate-not-loaded": [
    "A new certificate can't be used; the old one is.",
    "See cause: certificate and key must belong together and be readable.",
  ],
  "certificate-expires": [
    "The certificate ends soon.",
    "Renew it; gw takes the new file by itself.",
  ],
  "listener-failed": [
    "A door has a fault after it was opened.",
    "See cause; too many open files is the usual one.",
  ],
  "directory-failed": [
    "A directory (LDAP) can't be asked.",
    "See cause, and the settings of that directory.",
  ],
  "recipient-not-verified": [
    "It could not be found out whether a recipient is there.",
    "See cause; a setting decides what is done then.",
  ],
  "dns-list-failed": [
    "A DNS list did not answer, and counts for nothing.",
    "See whether dns.servers answer.",
  ],
  "dns-list-refuses": [
    "A DNS list refuses to answer us.",
    "It wants an account or a resolver of your own; take it out if you have neither.",
  ],
  "carrier-lost": [
    "The thread that sends mail has ended.",
    "It is started anew; report it with its cause.",
  ],
  "carrier-restarted": ["The thread that sends mail runs again.", ""],
  "carrier-not-restarted": [
    "The thread that sends mail can't be started: no mail goes out.",
    "Restart gw; see memory of the host.",
  ],
  "carrier-order-lost": [
    "A delivery was under way when the sending thread ended; it is tried again.",
    "",
  ],
  "scan-worker-lost": [
    "A scanning thread was ended: it took too long or broke.",
    "Its object is unscanned. If the same mail does it again, report it with the mail.",
  ],
  "signing-key-not-used": [
    "A DKIM key can't be used: mail goes without that signature.",
    "See cause and the [[signing]] table.",
  ],
  "template-not-used": [
    "A template is wrong; the shipped text is used.",
    "gw template check FILE tells what is wrong.",
  ],
  "signatures-taken": ["Signatures were read and are in use.", ""],
  "signatures-installed": ["A new set of signatures is in use.", ""],
  "signatures-not-taken": [
    "New signatures are not used; the old ones are.",
    "See cause, and gw update status.",
  ],
  "signatures-damaged": [
    "Signatures on disk are damaged and were left out.",
    "gw update fetches them again.",
  ],
  "signatures-gone-back": [
    "The earlier signatures are used again: the new ones found far too much or failed.",
    "Look what the new ones find before you take them: gw update status.",
  ],
  "signatures-not-gone-back": ["Going back to earlier signatures failed.", "gw update rollback."],
  "feed-*": ["What came of fetching a feed.", ""],
  "feed-failed": [
    "A feed could not be fetched or was refused.",
    "See cause, and gw update status.",
  ],
  "feed-paused": ["A feed's server asks to be left alone for a time.", ""],
  "update-failed": ["An update failed.", "See cause; gw update shows it step by step."],
  "update-postponed": ["Another update is under way.", ""],
  "update-not-noted": ["What came of an update could not be written down.", DISK],
  "update-not-pruned": ["Old signatures could not be deleted.", DISK],
  "post-command": ["The command after an update was run.", ""],
  "post-command-failed": [
    "The command after an update failed.",
    "See cause, and update.post_command.",
  ],
  "licence-notice-not-noted": [
    "That a notice about a licence was sent could not be written down.",
    DISK,
  ],
  "traffic-not-noted": [
    "Traffic for a licence could not be written down; it is added later.",
    DISK,
  ],
  recovered: ["After a start: what was in the queue is there again.", ""],
  "mail-recovered": [
    "Mail was found in the spool whose rows were missing, and is queued again.",
    "Some of it may be delivered twice.",
  ],
  "database-rebuilt": [
    "The database was made anew from the spool.",
    "Look into the queue: gw queue list.",
  ],
  "body-missing": [
    "The body of a queued message is gone.",
    "Restore the data folder, or delete the message: gw queue delete ID.",
  ],
  "bodies-missing": [
    "Bodies of several messages are gone.",
    "Restore the data folder before gw goes on, if you can.",
  ],
  "record-unusable": ["A record in the spool can't be read and is left out.", DISK],
  "segment-cut": [
    "The end of a spool file was cut off: its last record was not complete, and nobody was told 250 for it.",
    "",
  ],
  "segment-damaged": [
    "A spool file is damaged.",
    "Keep the file; restore it if you can. See the disk.",
  ],
  "segment-unreadable": ["A spool file can't be read.", DISK],
  "segment-emptied": ["Old mail was moved out of a spool file so that it can go.", ""],
  "segment-not-emptied": ["That failed; it is tried again.", DISK],
  "segment-write-failed": ["The spool can't be written: clients are asked to come later.", DISK],
  "segment-clean-up-failed": ["A spool file could not be cleaned up after a fault.", DISK],
  "queue-read-failed": ["The queue can't be read now; it is tried again.", DISK],
  "rows-delayed": ["The database takes no rows for some time; they are kept in memory.", DISK],
  "rows-refused": [
    "The database refuses a group of rows; they are written one by one.",
    "Report it with its cause.",
  ],
  "row-given-up": ["One row could not be written at all.", "Report it with its cause."],
  "rows-lost-at-close": [
    "At the end some rows could not be written; what they say is found again in the spool.",
    DISK,
  ],
  "records-not-blanked": [
    "Records of deleted mail could not be blanked yet; it is tried again.",
    DISK,
  ],
  "decisions-not-purged": ["Old decisions could not be deleted now; it is tried again.", ""],
  "history-not-written": [
    "Statistics could not be written; they are added to the next minute.",
    DISK,
  ],
  "store-upkeep-failed": ["The store's house-keeping failed; it is tried again.", DISK],
  "store-close-failed": ["The store could not be closed in good order; nothing is lost.", DISK],
  rescanned: ["Kept and recently delivered mail was scanned again with new signatures.", ""],
  "rescan-found": [
    "New signatures find something in mail that was clean before.",
    "See the notice, or gw why ID; tell the recipients of what was delivered.",
  ],
  "rescan-withdrawn": [
    "What mail was kept for is found no more.",
    "Look at it and release it: gw vault show ID, gw vault release ID.",
  ],
  "rescan-failed": ["Scanning again broke off; it is tried with the next update.", "See cause."],
  serving: ["A feed is served over HTTP.", ""],
  request: ["Somebody asked the feed's server for a file.", ""],
};

// The rules of a group: what is done about each status. [policy] gives them their values for all
// mail; a [[group]] may have any of them for its own.
import { STATUSES } from "../../message.ts";
import { LANGUAGES } from "../../template/shipped.ts";
import type { Schema } from "../field.ts";
import { flag, headerField, languageTag, list, oneOf, path, phrase } from "../types.ts";

/** What policy can do with a message, mildest first. */
export const ACTIONS = ["deliver", "block", "quarantine", "defer", "reject"] as const;

/** What policy can do with an object in a message that is delivered. */
export const OBJECT_ACTIONS = ["pass", "cure", "rename", "placeholder", "remove"] as const;

// What nothing was found in by name can't be cured of it.
const UNCURED_ACTIONS = ["pass", "rename", "placeholder", "remove"] as const;

/** Statuses that a rule can be about. */
export const RULED_STATUSES = STATUSES.filter((status) => status !== "clean");

const WHAT_OBJECT_ACTIONS_DO =
  "pass: leave it. cure: take what is harmful out of it, and scan the result. rename: give it an extension that nothing starts. placeholder: put a text in its place. remove: take it out. Of an object inside an archive the archive is made anew. A signed or encrypted part is never changed: what can't be done, and a cure that fails, keeps the message in quarantine. It is done where the message itself is delivered.";

const WHAT_ACTIONS_DO =
  "deliver: pass it on. reject: refuse it in the session. defer: ask the client to try again later. block: accept it and deliver it to nobody. quarantine: accept it and keep it from its recipients.";

/** Every rule by its name without the section. */
export const RULE_FIELDS = {
  check: {
    type: flag(),
    default: true,
    doc: "Whether mail is scanned at all. false passes it on as it is; each such message is logged as bypassed.",
    example: false,
    knownAs: ["Check"],
  },
  infected: {
    type: oneOf(ACTIONS),
    default: "quarantine",
    doc: `What is done with a message in which a signature was found. ${WHAT_ACTIONS_DO} When the recipients of one message fall into groups that do not all refuse it, it is kept in quarantine for those that do.`,
    example: "reject",
    knownAs: ["ActionInfected", "OnInfected"],
  },
  suspicious: {
    type: oneOf(ACTIONS),
    default: "quarantine",
    doc: "What is done with a message that looks like malware but is not known to be.",
    example: "deliver",
    knownAs: ["ActionSuspicious"],
  },
  protected: {
    type: oneOf(ACTIONS),
    default: "quarantine",
    doc: "What is done with a message that holds an encrypted object, which nobody but the recipient can look into.",
    example: "deliver",
    knownAs: ["ActionProtected"],
  },
  damaged: {
    type: oneOf(ACTIONS),
    default: "quarantine",
    doc: "What is done with a message that holds an object that is broken, so that a part of it could not be looked at.",
    example: "deliver",
    knownAs: ["ActionError"],
  },
  unscanned: {
    type: oneOf(ACTIONS),
    default: "defer",
    doc: "What is done with a message that could not be scanned wholly: a limit or the deadline was reached, or the engine failed.",
    example: "quarantine",
    knownAs: ["OnFail"],
  },
  filtered: {
    type: oneOf(ACTIONS),
    default: "quarantine",
    doc: "What is done with a message that holds an object which a [[filter]] is about. A filter may say it for itself.",
    example: "reject",
    knownAs: ["ActionFiltered"],
  },
  disinfected: {
    type: oneOf(ACTIONS),
    default: "deliver",
    doc: "What is done with a message in which objects have been cured.",
    example: "quarantine",
    knownAs: ["ActionDisinfected"],
  },
  infected_object: {
    type: oneOf(OBJECT_ACTIONS),
    default: "pass",
    doc: `What is done with an object in which a signature was found. ${WHAT_OBJECT_ACTIONS_DO}`,
    example: "placeholder",
  },
  suspicious_object: {
    type: oneOf(OBJECT_ACTIONS),
    default: "pass",
    doc: "What is done with a suspicious object; see infected_object.",
    example: "remove",
  },
  protected_object: {
    type: oneOf(UNCURED_ACTIONS),
    default: "pass",
    doc: "What is done with an encrypted object; see infected_object. It can't be cured.",
    example: "placeholder",
  },
  damaged_object: {
    type: oneOf(UNCURED_ACTIONS),
    default: "pass",
    doc: "What is done with a broken object; see infected_object. It can't be cured.",
    example: "rename",
  },
  unscanned_object: {
    type: oneOf(UNCURED_ACTIONS),
    default: "pass",
    doc: "What is done with an object that could not be scanned wholly; see infected_object. It can't be cured.",
    example: "remove",
  },
  filtered_object: {
    type: oneOf(UNCURED_ACTIONS),
    default: "pass",
    doc: "What is done with an object that a [[filter]] is about; see infected_object. A filter may say it for itself.",
    example: "remove",
  },
  placeholder: {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Template of the text that a placeholder consists of. Empty: the one that gw ships with.",
    example: "/etc/gw/placeholder.tmpl",
  },
  templates_dir: {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Folder with texts of your own: KIND.LANGUAGE.tmpl for one language, KIND.tmpl for all others, KIND being notice-admin, notice-sender, notice-recipient, digest, event, dsn or placeholder. They are read again when they change. What the folder lacks is taken from the texts that gw ships with. Empty: only those.",
    example: "/etc/gw/templates",
    knownAs: ["Templates"],
  },
  language: {
    type: languageTag(),
    default: "en",
    doc: `Language of the texts. gw ships with ${LANGUAGES.join(" and ")}; for others there must be files in templates_dir. Reports to senders and digests are in the language of [policy].`,
    example: "de",
  },
  header: {
    type: list(headerField()),
    default: [],
    doc: "Header fields that are put on top of each message that is delivered. They may have macros: gw template macros mark lists them.",
    example: ["X-Scanned-By: gw at example.org; %STATUS%"],
  },
  subject_mark: {
    type: phrase(60),
    default: "",
    doc: "Text that is put in front of the subject of messages that are delivered although they are not clean, or that were changed. It may have macros: gw template macros mark lists them. Empty: none.",
    example: "[%STATUS%]",
  },
  disclaimer: {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Template of a text that is put below each message that is delivered; signed and encrypted messages stay as they are. Empty: none.",
    example: "/etc/gw/disclaimer.tmpl",
  },
  disclaimer_html: {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Template of the disclaimer for the HTML form of a message, itself HTML. Empty: made of the plain one.",
    example: "/etc/gw/disclaimer-html.tmpl",
  },
  backup: {
    type: list(oneOf(RULED_STATUSES)),
    default: [],
    doc: "Statuses for which the message is kept as it came, in the backup store, before it is blocked or changed. What goes to quarantine is kept there and needs no backup.",
    example: ["infected", "suspicious"],
    knownAs: ["SaveInQB"],
  },
  notify_admin: {
    type: list(oneOf(RULED_STATUSES)),
    default: [],
    doc: "Statuses of which the administrator (notice.admin) is told.",
    example: ["infected", "suspicious"],
    knownAs: ["NotifyAdmin"],
  },
  notify_sender: {
    type: list(oneOf(RULED_STATUSES)),
    default: [],
    doc: "Statuses of which the envelope sender is told, if the message came from inbound.relay_networks or from a user who logged in, or if SPF or DKIM vouch for the sender's domain. Nobody else is ever told: their addresses may be forged. Mailing lists and automatic mail get no notice.",
    example: ["infected"],
    knownAs: ["NotifySender"],
  },
  notify_recipients: {
    type: list(oneOf(RULED_STATUSES)),
    default: [],
    doc: "Statuses of which those recipients are told whose domain is among inbound.relay_domains.",
    example: ["infected", "protected"],
    knownAs: ["NotifyRecipient"],
  },
  archive: {
    type: oneOf(["none", "incoming", "outgoing", "all"]),
    default: "none",
    doc: "Copies of all mail in the archive store. incoming: as it came, if it was accepted, whatever becomes of it. outgoing: as it is delivered. all: both.",
    example: "incoming",
    knownAs: ["IncomingArchivePath", "OutgoingArchivePath", "always_bcc"],
  },
} as const satisfies Schema;

type Prefixed<S> = { readonly [K in keyof S & string as `policy.${K}`]: S[K] };

/** Section policy: the rules of the default group. */
export const POLICY_FIELDS = Object.fromEntries(
  Object.entries(RULE_FIELDS).map(([name, field]) => [`policy.${name}`, field]),
) as unknown as Prefixed<typeof RULE_FIELDS>;

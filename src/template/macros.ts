// The macros that templates may use, with what each stands for: one record gives the check of a
// template, the documentation, and the sample that `gw template render` shows.

import type { Syntax } from "./parse.ts";

/** A macro. One with `fields` has several values; they are known inside its FOR. */
export interface Macro {
  readonly name: string;
  readonly doc: string;
  readonly example: string;
  readonly fields?: readonly Macro[];
}

/** What a text is for; decides which macros it may use. */
export const TEMPLATE_KINDS = [
  "placeholder",
  "notice-admin",
  "notice-sender",
  "notice-recipient",
  "digest",
  "event",
  "dsn",
  "disclaimer",
  "disclaimer-html",
  "mark",
] as const;

/** A kind of text. */
export type TemplateKind = (typeof TEMPLATE_KINDS)[number];

/** How templates of a kind are read. */
export function syntaxOf(kind: TemplateKind): Syntax {
  if (kind === "disclaimer-html") return "markup";
  return kind === "mark" ? "line" : "text";
}

const macro = (name: string, doc: string, example: string): Macro => ({ name, doc, example });

const ALWAYS: readonly Macro[] = [
  macro("CRLF", "a line end", "\n"),
  macro("TAB", "a tabulator", "\t"),
  macro("PRODUCT", "name of this product", "gw"),
  macro("HOSTNAME", "name of this host", "mx1.example.org"),
  macro("DATE", "date and time, UTC", "2026-11-22 10:00:00 UTC"),
];

const GROUP = macro("GROUP", "group whose rules were used", "default");

const MESSAGE: readonly Macro[] = [
  macro("QUEUE_ID", "id of the message in gw", "0VbjlEs3IgL6Of"),
  macro("CLIENT_ADDR", "address of the client that sent it", "192.0.2.7"),
  macro("SENDER_ADDR", "envelope sender", "alice@example.net"),
  {
    ...macro("RECPT_ADDR", "envelope recipients", "bob@example.org"),
    fields: [],
  },
  macro("SUBJECT", "subject of the message", "an offer"),
  macro("MESSAGE_ID", "its Message-ID", "<1@example.net>"),
  macro("MESSAGE_SIZE", "its size in bytes", "48211"),
  macro("STATUS", "worst status in the message", "infected"),
  macro("ACTION", "what was done: deliver, reject, defer, block, quarantine", "quarantine"),
  macro("ACTION_LIST", "actions of all objects, without repeats", "remove"),
  macro("REASON", "why, in one sentence", "infected: Gw.Test.EICAR"),
  GROUP,
  macro("VAULT_ID", "entry in the quarantine or backup, empty if none", "0VbjlEs3IgL6Of"),
  macro("BK_LOCATION", "the same, under the name of earlier products", "0VbjlEs3IgL6Of"),
  macro("SIGNATURE_SET", "identity of the signature set", "2026-11-22.1"),
];

const FOUND: Macro = {
  ...macro("VIRUS", "names of what was found in it", "Gw.Test.EICAR"),
  fields: [macro("VIRUS_TEXT", "what the signature says of it", "the EICAR test file")],
};

const OBJECT_FIELDS: readonly Macro[] = [
  macro("OBJECT_NAME", "its name", "a.exe"),
  macro("OBJECT_TYPE", "its true type", "pe"),
  macro("OBJECT_SIZE", "its size in bytes", "10240"),
  macro("OBJECT_STATUS", "its status", "infected"),
  macro("OBJECT_ACTION", "what was done to it, empty if nothing", "remove"),
  FOUND,
];

const OBJECTS: Macro = {
  ...macro("OBJECT", "objects that are not clean, by path", "message › offer.zip › a.exe"),
  fields: OBJECT_FIELDS,
};

const COUNTS: readonly Macro[] = [
  macro("COUNT", "notices that this digest stands for", "2"),
  {
    ...macro("NOTICE", "subjects of those notices", "mail stopped: an offer"),
    fields: [
      macro("NOTICE_DATE", "date and time, UTC", "2026-11-22 09:58:00 UTC"),
      macro("NOTICE_ID", "id of the message in gw", "0VbjlEs3IgL6Of"),
    ],
  },
];

const HAPPENED: readonly Macro[] = [
  macro("EVENT", "what happened, in one line", "signatures: gw went back to set 6"),
  { ...macro("LINE", "lines that tell more", "the share of infected mail rose"), fields: [] },
];

// What became of the recipients that a delivery report is about: by action, by recipient.
const REPORTED: readonly Macro[] = [
  {
    ...macro("ACTION", "what became of recipients: failed, delayed, relayed …", "failed"),
    fields: [
      {
        ...macro("RECPT_ADDR", "recipients of whom that is so", "bob@example.org"),
        fields: [
          macro("RECPT_HOST", "host that answered, empty if none did", "mx.example.org"),
          macro("RECPT_REPLY", "what it said", "550 5.1.1 no such user"),
          macro("RECPT_EXPIRED", "yes if its time in the queue was up, else empty", ""),
        ],
      },
    ],
  },
  macro("MAIN_ACTION", "the gravest of those actions", "failed"),
  macro("ARRIVAL_DATE", "when the message came, UTC", "2026-11-22 09:58:00 UTC"),
];

const ONE_LINE = ["QUEUE_ID", "STATUS", "ACTION_LIST", "GROUP", "SIGNATURE_SET"];
const ABOUT_REPORTED = ["QUEUE_ID", "SENDER_ADDR", "SUBJECT", "MESSAGE_ID", "MESSAGE_SIZE"];
const pick = (names: readonly string[]) => MESSAGE.filter(({ name }) => names.includes(name));

/** The macros of a kind of text. */
export function macrosOf(kind: TemplateKind): readonly Macro[] {
  switch (kind) {
    case "disclaimer":
    case "disclaimer-html":
      return [...ALWAYS, GROUP];
    case "mark": {
      const always = ALWAYS.filter(({ name }) => name !== "CRLF" && name !== "TAB");
      return [...always, ...pick(ONE_LINE), FOUND];
    }
    case "dsn":
      return [...ALWAYS, ...pick(ABOUT_REPORTED), ...REPORTED];
    case "placeholder": {
      // One object is spoken of, so that its macros need no FOR.
      const { name, doc, example } = OBJECTS;
      return [...ALWAYS, ...MESSAGE, { name, doc, example }, ...OBJECT_FIELDS];
    }
    case "event":
      return [...ALWAYS, ...HAPPENED];
    case "digest":
      return [...ALWAYS, ...COUNTS];
    case "notice-admin":
    case "notice-sender":
    case "notice-recipient":
      return [...ALWAYS, ...MESSAGE, OBJECTS];
    default:
      return kind satisfies never;
  }
}

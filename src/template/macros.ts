// The macros that templates may use, with what each stands for: one record gives the check of a
// template, the documentation, and the sample that `gw template render` shows.

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
  "disclaimer",
] as const;

/** A kind of text. */
export type TemplateKind = (typeof TEMPLATE_KINDS)[number];

const macro = (name: string, doc: string, example: string): Macro => ({ name, doc, example });

const ALWAYS: readonly Macro[] = [
  macro("CRLF", "a line end", "\n"),
  macro("TAB", "a tabulator", "\t"),
  macro("PRODUCT", "name of this product", "gw"),
  macro("HOSTNAME", "name of this host", "mx1.example.org"),
  macro("DATE", "date and time, UTC", "2026-11-22 10:00:00 UTC"),
];

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
  macro("GROUP", "group whose rules were used", "default"),
  macro("VAULT_ID", "entry in the quarantine or backup, empty if none", "0VbjlEs3IgL6Of"),
  macro("BK_LOCATION", "the same, under the name of earlier products", "0VbjlEs3IgL6Of"),
  macro("SIGNATURE_SET", "identity of the signature set", "2026-11-22.1"),
];

const OBJECT_FIELDS: readonly Macro[] = [
  macro("OBJECT_NAME", "its name", "a.exe"),
  macro("OBJECT_TYPE", "its true type", "pe"),
  macro("OBJECT_SIZE", "its size in bytes", "10240"),
  macro("OBJECT_STATUS", "its status", "infected"),
  macro("OBJECT_ACTION", "what was done to it, empty if nothing", "remove"),
  {
    ...macro("VIRUS", "names of what was found in it", "Gw.Test.EICAR"),
    fields: [macro("VIRUS_TEXT", "what the signature says of it", "the EICAR test file")],
  },
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

/** The macros of a kind of text. */
export function macrosOf(kind: TemplateKind): readonly Macro[] {
  switch (kind) {
    case "disclaimer":
      return [...ALWAYS, macro("GROUP", "group whose rules were used", "default")];
    case "placeholder": {
      // One object is spoken of, so that its macros need no FOR.
      const { name, doc, example } = OBJECTS;
      return [...ALWAYS, ...MESSAGE, { name, doc, example }, ...OBJECT_FIELDS];
    }
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

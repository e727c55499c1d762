// The texts that gw ships with, embedded in the executable. A site's own texts take their place file
// by file.

import deDigest from "../../templates/de/digest.tmpl" with { type: "text" };
import deDisclaimer from "../../templates/de/disclaimer.tmpl" with { type: "text" };
import deDisclaimerHtml from "../../templates/de/disclaimer-html.tmpl" with { type: "text" };
import deDsn from "../../templates/de/dsn.tmpl" with { type: "text" };
import deEvent from "../../templates/de/event.tmpl" with { type: "text" };
import deMark from "../../templates/de/mark.tmpl" with { type: "text" };
import deAdmin from "../../templates/de/notice-admin.tmpl" with { type: "text" };
import deRecipient from "../../templates/de/notice-recipient.tmpl" with { type: "text" };
import deSender from "../../templates/de/notice-sender.tmpl" with { type: "text" };
import dePlaceholder from "../../templates/de/placeholder.tmpl" with { type: "text" };
import enDigest from "../../templates/en/digest.tmpl" with { type: "text" };
import enDisclaimer from "../../templates/en/disclaimer.tmpl" with { type: "text" };
import enDisclaimerHtml from "../../templates/en/disclaimer-html.tmpl" with { type: "text" };
import enDsn from "../../templates/en/dsn.tmpl" with { type: "text" };
import enEvent from "../../templates/en/event.tmpl" with { type: "text" };
import enMark from "../../templates/en/mark.tmpl" with { type: "text" };
import enAdmin from "../../templates/en/notice-admin.tmpl" with { type: "text" };
import enRecipient from "../../templates/en/notice-recipient.tmpl" with { type: "text" };
import enSender from "../../templates/en/notice-sender.tmpl" with { type: "text" };
import enPlaceholder from "../../templates/en/placeholder.tmpl" with { type: "text" };
import type { TemplateKind } from "./macros.ts";

/** Languages that gw has texts in. */
export const LANGUAGES = ["en", "de"] as const;

/** A language that gw has texts in. */
export type Language = (typeof LANGUAGES)[number];

const TEXTS: Readonly<Record<Language, Readonly<Record<TemplateKind, string>>>> = {
  en: {
    placeholder: enPlaceholder,
    "notice-admin": enAdmin,
    "notice-sender": enSender,
    "notice-recipient": enRecipient,
    digest: enDigest,
    event: enEvent,
    dsn: enDsn,
    disclaimer: enDisclaimer,
    "disclaimer-html": enDisclaimerHtml,
    mark: enMark,
  },
  de: {
    placeholder: dePlaceholder,
    "notice-admin": deAdmin,
    "notice-sender": deSender,
    "notice-recipient": deRecipient,
    digest: deDigest,
    event: deEvent,
    dsn: deDsn,
    disclaimer: deDisclaimer,
    "disclaimer-html": deDisclaimerHtml,
    mark: deMark,
  },
};

/** The source of a shipped text; in English if there is none in `language`. */
export function shippedTemplate(kind: TemplateKind, language = "en"): string {
  return TEXTS[LANGUAGES.find((one) => one === language) ?? "en"][kind];
}

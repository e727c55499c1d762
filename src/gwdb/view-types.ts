// Which objects are texts and pages to ClamAV's signatures: those are written for a normalised view
// of them, beside which gw looks at the bytes as they are. The importer aims signatures by these
// lists, the scanner makes the views by them.

/** Types of which a page view is made. */
export const HTML_TYPES = ["html", "hta", "svg"] as const;

/** Types of which a text view is made. */
export const TEXT_TYPES = [
  ...["text", "shell", "batch", "wsf", "xml", "svg", "encoded-script", "url", "reg", "slk", "iqy"],
  ...["ics", "vcard", "pgp", "pem", "postscript", "yenc", "hta"],
] as const;

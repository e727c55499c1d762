// Which objects are texts and pages to ClamAV's signatures: those are written for a normalised view
// of them, beside which gw looks at the bytes as they are. The importer aims signatures by these
// lists, the scanner makes the views by them. And which objects are programs.

/** Types of which a page view is made. */
export const HTML_TYPES = ["html", "hta", "svg"] as const;

/** Types of which a text view is made. */
export const TEXT_TYPES = [
  ...["text", "shell", "batch", "wsf", "xml", "svg", "encoded-script", "url", "reg", "slk", "iqy"],
  ...["ics", "vcard", "pgp", "pem", "postscript", "yenc", "hta"],
] as const;

/** Types that views have; a signature asks for a view by having its type for a target. */
export const VIEW_TYPES = ["html-view", "text-view"] as const;

/** Types of what begins with "MZ"; signatures for programs are searched for in nothing else. */
export const PROGRAM_TYPES = ["pe", "dosexe"] as const;

// Normalised views of texts, as ClamAV makes them: what its signatures for HTML and text are written
// for. They are looked at beside the bytes as they are, and only by signatures that ask for them.
import { HTML_TYPES, TEXT_TYPES, type VIEW_TYPES } from "../../gwdb/view-types.ts";
import { htmlViews } from "./html.ts";
import { textView } from "./text.ts";

/** A view's bytes, and the type that signatures know it by. */
export interface View {
  readonly type: (typeof VIEW_TYPES)[number];
  readonly bytes: Uint8Array;
}

/** Larger objects are looked at as they are only. */
const SIZE_MAX = 16 * 1024 * 1024;

const HTML: ReadonlySet<string> = new Set(HTML_TYPES);
const TEXT: ReadonlySet<string> = new Set(TEXT_TYPES);

/** The views of an object that somebody asks for. */
export function* viewsOf(
  bytes: Uint8Array,
  type: string,
  isWanted: (type: View["type"]) => boolean,
): Generator<View> {
  if (bytes.length > SIZE_MAX) return;
  if (HTML.has(type) && isWanted("html-view")) {
    for (const view of htmlViews(bytes)) yield { type: "html-view", bytes: view };
  }
  // What holds a NUL is no text to ClamAV.
  if (TEXT.has(type) && isWanted("text-view") && !bytes.includes(0)) {
    yield { type: "text-view", bytes: textView(bytes) };
  }
}

// The normalised view of a text: lower case, white space as single spaces, ASCII only.
import { foldText } from "../../codec/native.ts";

/** The text without case, without more than one space in a row, without all that is not ASCII. */
export function textView(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  return out.subarray(0, foldText(bytes, out));
}

// What a compiled signature set holds, for people.
import { type Image, ImageError, SECTIONS } from "../gwdb/image.ts";
import { type SignatureInfo, unpackInfo } from "./source.ts";

/** A signature as it is listed. `family` is the first two parts of its name. */
export interface ListedSignature extends SignatureInfo {
  readonly family: string;
}

/** The signatures of an image, in its order. */
export function* listSignatures(image: Image): Generator<ListedSignature> {
  const { bytes, count } = image.section(SECTIONS.metadata);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if ((count + 1) * 4 > bytes.length) throw new ImageError("the list of signatures is cut");
  for (let i = 0; i < count; i++) {
    const text = bytes.subarray(view.getUint32(4 * i, true), view.getUint32(4 * i + 4, true));
    const info = unpackInfo(Buffer.from(text).toString("utf8"));
    yield { ...info, family: info.name.split(".").slice(0, 2).join(".") };
  }
}

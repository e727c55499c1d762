// What a compiled signature set holds, for people.
import { type Image, SECTIONS } from "../gwdb/image.ts";
import { TextReader } from "../gwdb/texts.ts";
import { type SignatureInfo, unpackInfo } from "./source.ts";

/** A signature as it is listed. `family` is the first two parts of its name. */
export interface ListedSignature extends SignatureInfo {
  readonly family: string;
}

/** The signatures of an image, in its order. */
export function* listSignatures(image: Image): Generator<ListedSignature> {
  const { bytes, count } = image.section(SECTIONS.metadata);
  const texts = new TextReader(bytes);
  for (let i = 0; i < count; i++) {
    const info = unpackInfo(texts.text(i));
    yield { ...info, family: info.name.split(".").slice(0, 2).join(".") };
  }
}

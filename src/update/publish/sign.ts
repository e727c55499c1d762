// Signs the draft of a document, on any host that has the draft and a key: what is at home of a feed
// is not needed. The next publishing takes the signatures that count.
import { writeAtomically } from "../../base/file/atomic-file.ts";
import { addSignature, type KeyRing, roleBytes } from "../roles.ts";
import { readDocument, roleOfFile } from "./document.ts";
import { FeedError } from "./settings.ts";

/** Signs the document in a file with all keys of the ring; gives their ids. Throws FeedError. */
export function signDraft(path: string, ring: KeyRing): string[] {
  const document = readDocument(roleOfFile(path), path);
  if (ring.size === 0) throw new FeedError("there is no key to sign with");
  for (const [keyID, key] of ring) addSignature(document, keyID, key);
  writeAtomically(path, roleBytes(document), 0o644);
  return [...ring.keys()];
}

// Signs the draft of a document, on any host that has the draft and a key: what is at home of a feed
// is not needed. The next publishing takes the signatures that count.
import { Signature } from "@tufjs/models";
import { writeAtomically } from "../../base/file/atomic-file.ts";
import { signHex } from "../../base/key/signing-key.ts";
import { type KeyRing, type Role, roleBytes, type Signed } from "../roles.ts";
import { readDocument, roleOfFile } from "./document.ts";
import { FeedError } from "./settings.ts";

/** What was signed. */
export interface SignedDraft {
  readonly role: Role;
  readonly document: Signed<Role>;
  /** Ids of the keys that signed now. */
  readonly by: readonly string[];
}

/** A draft, to be looked at before it is signed. Throws FeedError. */
export function readDraft(path: string): { readonly role: Role; readonly document: Signed<Role> } {
  const role = roleOfFile(path);
  return { role, document: readDocument(role, path) };
}

/** Signs the draft in a file with all keys of the ring. Throws FeedError. */
export function signDraft(path: string, ring: KeyRing): SignedDraft {
  const { role, document } = readDraft(path);
  if (ring.size === 0) throw new FeedError("there is no key to sign with");
  for (const [keyID, key] of ring) {
    document.sign((bytes) => new Signature({ keyID, sig: signHex(bytes, key) }));
  }
  writeAtomically(path, roleBytes(document), 0o644);
  return { role, document, by: [...ring.keys()] };
}

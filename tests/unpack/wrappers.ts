// Every container and encoding that can be written here, by name: each puts one file into itself.
import { ARCHIVES } from "./wrappers/archives.ts";
import { DOCUMENTS } from "./wrappers/documents.ts";
import { IMAGES } from "./wrappers/images.ts";
import { MAILS } from "./wrappers/mails.ts";
import type { Wrapper } from "./wrappers/wrapper.ts";
import { ZIPS } from "./wrappers/zips.ts";

export const WRAPPERS: readonly Wrapper[] = [
  ...ZIPS,
  ...ARCHIVES,
  ...IMAGES,
  ...DOCUMENTS,
  ...MAILS,
];

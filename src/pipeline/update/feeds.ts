// The source of each feed that is configured.
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { FeedSettings } from "../../config/tables.ts";
import { CLAMAV_DIFF_KEY, isSignedBy, openMembers } from "../../signature/clamav/container.ts";
import { isSignatureFile } from "../../signature/import/load.ts";
import { ClamavFolder } from "../../update/clamav/folder.ts";
import { ClamavMirror } from "../../update/clamav/mirror.ts";
import { ClamavTrust, type ContainerReader } from "../../update/clamav/trust.ts";
import { FilesSource } from "../../update/files/source.ts";
import { HttpGetter } from "../../update/http.ts";
import { Shelf } from "../../update/shelf/shelf.ts";
import type { Source } from "../../update/source.ts";
import { type TufSettings, TufSource } from "../../update/tuf/tuf-source.ts";

/** Where sources keep what they trust, and by which clock they go. */
export interface SourceParts {
  readonly dataDir: string;
  readonly clock: Clock;
}

/** What a feed of type gw is described by. */
export function tufSettingsOf(feed: FeedSettings, { dataDir, clock }: SourceParts): TufSettings {
  const { name, urls, root, proxy, proxy_login: proxyLogin, size_max: sizeMax } = feed;
  const getter = new HttpGetter({ proxy, proxyLogin, clock });
  const trustFolder = join(new Shelf(dataDir).folder, name, "trust");
  return { name, urls, root, trustFolder, sizeMax, getter, clock };
}

const CONTAINERS: ContainerReader = {
  members: (file) => openMembers(file),
  isDiffSigned: (digits, signed) => isSignedBy(digits, signed, CLAMAV_DIFF_KEY),
};

/** Makes a feed's source. */
export function sourceOf(feed: FeedSettings, parts: SourceParts): Source {
  const { name, type, folder, urls, databases, certificates } = feed;
  const { proxy, proxy_login: proxyLogin, size_max: sizeMax } = feed;
  const { clock } = parts;
  const getter = new HttpGetter({ proxy, proxyLogin, clock });
  const files = { name, folder, urls, sizeMax, getter, clock, isWanted: isSignatureFile };
  switch (type) {
    case "files":
      return new FilesSource(files);
    case "clamav": {
      const trust = new ClamavTrust(CONTAINERS, certificates, () => clock.now());
      if (folder !== "") return new ClamavFolder(files, trust);
      return new ClamavMirror({ name, urls, databases, trust, sizeMax, getter, clock });
    }
    case "gw":
      return new TufSource(tufSettingsOf(feed, parts));
    default:
      return type satisfies never;
  }
}

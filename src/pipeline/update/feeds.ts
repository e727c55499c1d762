// The source of each feed that is configured.
import type { Clock } from "../../base/clock.ts";
import type { FeedSettings } from "../../config/tables.ts";
import { CLAMAV_DIFF_KEY, isSignedBy, openMembers } from "../../signature/clamav/container.ts";
import { isSignatureFile } from "../../signature/import/load.ts";
import { ClamavFolder } from "../../update/clamav/folder.ts";
import { ClamavMirror } from "../../update/clamav/mirror.ts";
import { ClamavTrust, type ContainerReader } from "../../update/clamav/trust.ts";
import { FilesSource } from "../../update/files/source.ts";
import { HttpGetter } from "../../update/http.ts";
import { type Source, UpdateError } from "../../update/source.ts";

const CONTAINERS: ContainerReader = {
  members: (file) => openMembers(file),
  isDiffSigned: (digits, signed) => isSignedBy(digits, signed, CLAMAV_DIFF_KEY),
};

/** Makes a feed's source. */
export function sourceOf(feed: FeedSettings, clock: Clock): Source {
  const { name, type, folder, urls, databases, certificates } = feed;
  const { proxy, proxy_login: proxyLogin, size_max: sizeMax } = feed;
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
      throw new UpdateError("invalid", `feeds of type ${type} can't be fetched by this gw`);
    default:
      return type satisfies never;
  }
}

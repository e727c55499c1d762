// The source of each feed that is configured.
import type { Clock } from "../../base/clock.ts";
import type { FeedSettings } from "../../config/tables.ts";
import { isSignatureFile } from "../../signature/import/load.ts";
import { FilesSource } from "../../update/files/source.ts";
import { HttpGetter } from "../../update/http.ts";
import { type Source, UpdateError } from "../../update/source.ts";

/** Makes a feed's source. */
export function sourceOf(feed: FeedSettings, clock: Clock): Source {
  const { name, type, folder, urls } = feed;
  const { proxy, proxy_login: proxyLogin, size_max: sizeMax } = feed;
  const getter = new HttpGetter({ proxy, proxyLogin, clock });
  switch (type) {
    case "files":
      return new FilesSource({
        ...{ name, folder, urls, sizeMax, getter, clock },
        isWanted: isSignatureFile,
      });
    case "clamav":
    case "gw":
      throw new UpdateError("invalid", `feeds of type ${type} can't be fetched by this gw`);
    default:
      return type satisfies never;
  }
}

// Rules about feeds: what can't be fetched, or would be fetched unchecked, is refused at once.
import type { Conflict } from "../conflict.ts";
import type { Config } from "../schema.ts";
import type { FeedSettings } from "../tables.ts";

function* conflictsOf(feed: FeedSettings, key: string): Generator<Conflict> {
  const { name, type, urls, folder, root, databases } = feed;
  const hasFolder = folder !== "";
  if (type === "gw") {
    if (hasFolder) {
      const message = `feed "${name}": type gw has no folder; write urls = ["file://${folder}"]`;
      yield { keys: [`${key}.folder`], message };
    }
    if (root === "") {
      const message = `feed "${name}": root must say what the feed's first keys are`;
      yield { keys: [`${key}.root`, `${key}.name`], message };
    }
  } else if (root !== "") {
    const message = `feed "${name}": root is for feeds of type gw`;
    yield { keys: [`${key}.root`], message };
  }
  if (type !== "clamav" && feed.certificates !== "") {
    const message = `feed "${name}": certificates are for feeds of type clamav`;
    yield { keys: [`${key}.certificates`], message };
  }
  // A gw feed that is never fetched may come in bundles.
  const isCarried = type === "gw" && !feed.enabled;
  if (urls.length > 0 === hasFolder && (type !== "gw" || !hasFolder) && !isCarried) {
    const what =
      type === "gw" ? "urls, or enabled = false if it comes in bundles" : "either urls or folder";
    yield { keys: [`${key}.urls`, `${key}.name`], message: `feed "${name}": set ${what}` };
  }
  if (type === "clamav" && urls.length > 0 && databases.length === 0) {
    const message = `feed "${name}": databases must name at least one`;
    yield { keys: [`${key}.databases`], message };
  }
  if (feed.proxy_login !== "" && !feed.proxy_login.includes(":")) {
    const message = `feed "${name}": proxy_login must be user:password`;
    yield { keys: [`${key}.proxy_login`], message };
  }
}

/** What is wrong with feeds; empty if nothing is. */
export function findFeedConflicts({ feed: feeds }: Config): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  const seen = new Set<string>();
  for (const [index, feed] of feeds.entries()) {
    const key = `feed[${index}]`;
    if (seen.has(feed.name)) {
      const message = `there are two of [[feed]] with the name "${feed.name}"`;
      conflicts.push({ keys: [`${key}.name`], message });
    }
    seen.add(feed.name);
    conflicts.push(...conflictsOf(feed, key));
  }
  return conflicts;
}

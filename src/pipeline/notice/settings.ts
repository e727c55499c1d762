// What the configuration says of notices.
import type { Config } from "../../config/schema.ts";
import type { Client } from "../../message.ts";
import { defaultGroup } from "../../policy/groups.ts";
import type { TextRules } from "../policy/texts.ts";

/** Who and what is the site's own. */
export interface Site {
  /** Whether mail for an address ends at this site. */
  readonly isLocal: (address: string) => boolean;
  /** Whether a client is one of the site's own: by its address, or logged in. */
  readonly isInside: (client: Client) => boolean;
}

/** How notices are sent. */
export interface NoticeSettings extends Site {
  /** Administrator's address, "" if there is none. */
  readonly admin: string;
  readonly from: string;
  readonly perHourMax: number;
  /** Which texts are used for what no group speaks of. */
  readonly texts: TextRules;
}

/** The settings of a configuration. */
export function noticeSettings(config: Config, site: Site): NoticeSettings {
  return {
    ...site,
    admin: config["notice.admin"] || config["server.postmaster"],
    from: config["notice.from"],
    perHourMax: config["notice.per_hour_max"],
    texts: defaultGroup(config).rules,
  };
}

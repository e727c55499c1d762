// The schema: every setting there is. A new one is a new record in fields/ and nothing else.

import { ACCESS_FIELDS } from "./access/fields.ts";
import type { Values } from "./field.ts";
import { DNS_FIELDS } from "./fields/dns.ts";
import { INBOUND_FIELDS } from "./fields/inbound/inbound.ts";
import { LIMIT_FIELDS } from "./fields/inbound/limits.ts";
import { LOGIN_FIELDS } from "./fields/inbound/login.ts";
import { NOTICE_FIELDS } from "./fields/notice.ts";
import { OUTBOUND_FIELDS } from "./fields/outbound.ts";
import { POLICY_FIELDS } from "./fields/policy.ts";
import { REPORT_FIELDS } from "./fields/report.ts";
import { SCAN_FIELDS } from "./fields/scan.ts";
import { SERVER_FIELDS } from "./fields/server.ts";
import { UPDATE_FIELDS } from "./fields/update/update.ts";
import { VAULT_FIELDS } from "./fields/vault.ts";
import type { Rows, TABLES } from "./tables.ts";

/** All settings by key, in the order in which they are shown. */
export const SCHEMA = {
  ...SERVER_FIELDS,
  ...INBOUND_FIELDS,
  ...LIMIT_FIELDS,
  ...LOGIN_FIELDS,
  ...ACCESS_FIELDS,
  ...SCAN_FIELDS,
  ...POLICY_FIELDS,
  ...VAULT_FIELDS,
  ...NOTICE_FIELDS,
  ...REPORT_FIELDS,
  ...OUTBOUND_FIELDS,
  ...UPDATE_FIELDS,
  ...DNS_FIELDS,
} as const;

/** What each section is about. */
export const SECTIONS = {
  server: "The host",
  log: "The log",
  store: "The disk",
  inbound: "Receiving mail",
  login: "Users who log in to send mail",
  access: "Who may send what to whom",
  authentication: "Who mail is from",
  scan: "Taking messages apart and scanning them",
  policy: "What is done with a message, by what was seen in it",
  vault: "How long kept mail is kept, and how much of it",
  notice: "Notices about messages; the rules say what they are sent about",
  report: "Reports of the traffic, by mail",
  queue: "Waiting mail",
  outbound: "Sending mail on",
  update: "Keeping signatures new; where they come from stands in [[feed]]",
  dns: "Looking names up",
} as const satisfies Record<string, string>;

/** Every setting by key, with its default where the file says nothing. */
export type Settings = Values<typeof SCHEMA>;

/** Everything a file says: settings by key, tables by name. */
export type Config = Settings & Rows<typeof TABLES>;

/** A key of a setting. */
export type ConfigKey = keyof Settings;

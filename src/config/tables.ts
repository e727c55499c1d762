// Tables that a file may have several of: `[[group]]`, `[[filter]]`. Their settings are records like
// all others; those in `optional` have no value where the file gives none.
import type { Schema, Values } from "./field.ts";
import { FILTER_FIELDS, FILTER_RULE_FIELDS } from "./fields/filter.ts";
import { GROUP_FIELDS } from "./fields/group.ts";
import { RATE_FIELDS } from "./fields/inbound/limits.ts";
import {
  CERTIFICATE_FIELDS,
  LISTENER_FIELDS,
  LISTENER_RULE_FIELDS,
} from "./fields/inbound/listener.ts";
import { RULE_FIELDS } from "./fields/policy.ts";
import { ROUTE_FIELDS, ROUTE_RULE_FIELDS } from "./fields/route.ts";
import { SIGNING_FIELDS } from "./fields/signing.ts";
import { FEED_FIELDS } from "./fields/update/feed.ts";

/** A kind of table that may stand in a file any number of times. */
export interface Table {
  /** What each of them is, for headings. */
  readonly title: string;
  /** Settings that every table has, with their defaults. */
  readonly fields: Schema;
  /** Settings that a table may have. */
  readonly optional: Schema;
  /** What is said of `optional` instead of naming each again; "" if they are to be shown. */
  readonly optionalAre: string;
  /** A change is not taken when the configuration is read again, only at the next start. */
  readonly needsRestart?: true;
}

/** All tables by the name that stands in double brackets. */
export const TABLES = {
  group: {
    title: "Whom other rules are for",
    fields: GROUP_FIELDS,
    optional: RULE_FIELDS,
    optionalAre: "Every setting of [policy] may stand here; what is left out is as it is there.",
  },
  filter: {
    title: "Objects that are not wanted, whatever the scan says",
    fields: FILTER_FIELDS,
    optional: FILTER_RULE_FIELDS,
    optionalAre: "",
  },
  route: {
    title: "Where mail goes, and how it is handed over there",
    fields: ROUTE_FIELDS,
    optional: ROUTE_RULE_FIELDS,
    optionalAre: "",
  },
  listener: {
    title: "Doors for clients, beside inbound.listen",
    fields: LISTENER_FIELDS,
    optional: LISTENER_RULE_FIELDS,
    optionalAre: "",
  },
  rate: {
    title: "How much may come from one source",
    fields: RATE_FIELDS,
    optional: {},
    optionalAre: "",
  },
  certificate: {
    title: "Certificates for other names of this host",
    fields: CERTIFICATE_FIELDS,
    optional: {},
    optionalAre: "",
  },
  feed: {
    title: "Where signatures come from, beside those that ship with gw",
    fields: FEED_FIELDS,
    optional: {},
    optionalAre: "",
  },
  signing: {
    title: "Keys that sign what gw has changed",
    fields: SIGNING_FIELDS,
    optional: {},
    optionalAre: "",
  },
} as const satisfies Readonly<Record<string, Table>>;

/** Tables by name. */
export type Tables = Readonly<Record<string, Table>>;

/** What one table of a file gives. */
export type Row<T extends Table> = Values<T["fields"]> & Partial<Values<T["optional"]>>;

/** What all tables of a file give, in the file's order. */
export type Rows<T extends Tables> = { readonly [K in keyof T]: readonly Row<T[K]>[] };

/** The rules that a group can have, each with its value. */
export type RuleSettings = Values<typeof RULE_FIELDS>;

/** One `[[group]]`. */
export type GroupSettings = Row<(typeof TABLES)["group"]>;

/** One `[[listener]]`. */
export type ListenerSettings = Row<(typeof TABLES)["listener"]>;

/** One `[[filter]]`. */
export type FilterSettings = Row<(typeof TABLES)["filter"]>;

/** One `[[route]]`. */
export type RouteSettings = Row<(typeof TABLES)["route"]>;

/** One `[[feed]]`. */
export type FeedSettings = Row<(typeof TABLES)["feed"]>;

/** One `[[signing]]`. */
export type SigningSettings = Row<(typeof TABLES)["signing"]>;

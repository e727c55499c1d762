// The events of the log by name, with what they mean. `gw explain` and docs/log.md are made from them, and
// a test finds every event in the source that is missing here.

/** What an event means, and what to do about it; "" if nothing is to be done. */
export type EventText = readonly [meaning: string, remedy: string];

/** Events by name; `feed-*` stands for all that begin so and have no text of their own. */
export type EventTable = Readonly<Record<string, EventText>>;

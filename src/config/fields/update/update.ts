// Settings of updates that concern all feeds; the feeds themselves are tables [[feed]].
import type { Schema } from "../../field.ts";
import { duration, flag, integer, list, oneOf, path, phrase } from "../../types.ts";

/** Section update. */
export const UPDATE_FIELDS = {
  "update.automatic": {
    type: flag(),
    default: true,
    doc: "Whether a gateway that runs fetches feeds by itself, each in its interval. false: only gw update does.",
    example: false,
  },
  "update.keep": {
    type: integer({ min: 1, max: 50 }),
    default: 3,
    doc: "Earlier states of the signatures that are kept for gw update rollback.",
    example: 10,
  },
  "update.good_dir": {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Folder with files of your own that are good: forms, programs, newsletters. New signatures that find anything in one of them are not taken. Empty: only the samples that gw ships with are tried.",
    example: "/etc/gw/good",
  },
  "update.post_command": {
    type: list(phrase(4096)),
    default: [],
    doc: "Command that is run after new signatures are in use: its path and its arguments, without a shell. GW_FEEDS in its environment names the feeds that changed. Empty: none.",
    example: ["/usr/local/bin/on-update", "--quiet"],
    knownAs: ["PostUpdateCmd", "OnUpdateExecute"],
  },
  "update.post_timeout": {
    type: duration({ min: "1s", max: "1h" }),
    default: "1m",
    doc: "Longest time that command may take; it is ended then, and has failed.",
    example: "10s",
  },
  "update.watch_time": {
    type: duration({ min: "0s", max: "7d" }),
    default: "30m",
    doc: "How long after an update the results of scanning are watched. If far more is found, or fails, than before, gw goes back to the earlier signatures by itself and tells the administrator. 0s: never.",
    example: "2h",
  },
  "update.watch_messages": {
    type: integer({ min: 10, max: 1_000_000 }),
    default: 100,
    doc: "Messages that must have been scanned before and after the update for that to be decided.",
    example: 500,
  },
  "update.watch_found_rise": {
    type: integer({ min: 1, max: 100 }),
    default: 30,
    doc: "Percentage points by which the share of infected and suspicious messages may rise.",
    example: 20,
  },
  "update.watch_failed_rise": {
    type: integer({ min: 1, max: 100 }),
    default: 20,
    doc: "Percentage points by which the share of messages may rise that can't be scanned.",
    example: 10,
  },
  "update.rescan_age": {
    type: duration({ min: "0s", max: "30d" }),
    default: "3d",
    doc: "How far back gw looks after an update: messages in the vault of that age are scanned again. What is found now and was not then is told to the administrator. 0s: never.",
    example: "7d",
  },
  "update.withdrawn": {
    type: oneOf(["list", "release"]),
    default: "list",
    doc: "What is done with messages in quarantine in which the new signatures find nothing any more. list: the administrator is told. release: they are delivered, if policy has it so.",
    example: "release",
  },
} as const satisfies Schema;

// Settings of a [[group]]: whom it is about. Its rules are those of [policy], each optional.
import type { Schema } from "../field.ts";
import { addressMask, label, list } from "../types.ts";

/** What a [[group]] has of its own. */
export const GROUP_FIELDS = {
  name: {
    type: label(),
    default: "",
    doc: "Name of the group in the log and in explanations. Every group has one of its own; default is the name of [policy].",
    example: "sales",
  },
  from: {
    type: list(addressMask()),
    default: ["*"],
    doc: "Envelope senders the group is for: addresses, masks with * and ?, <> for the null sender, or file:/path of a file with one of these on each line, read again when it changes. Upper and lower case are alike.",
    example: ["*@example.org"],
    knownAs: ["Senders"],
  },
  to: {
    type: list(addressMask()),
    default: ["*"],
    doc: "Envelope recipients the group is for, written like from. The first group whose from and to both match counts; who is in none gets the rules of [policy].",
    example: ["*@sales.example.org", "file:/etc/gw/sales.list"],
    knownAs: ["Recipients"],
  },
} as const satisfies Schema;

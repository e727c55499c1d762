// Settings of a [[filter]]: which objects it is about, and what is done with a message that has one.
import type { Schema } from "../field.ts";
import { integer, label, list, nameMask, oneOf, size } from "../types.ts";
import { ACTIONS } from "./policy.ts";

/** What says which objects a [[filter]] is about. */
export const FILTER_FIELDS = {
  name: {
    type: label(),
    default: "",
    doc: "Name of the filter in the log and in explanations. An object is filtered if all holds of it that the filter says; alternatives are filters of their own. What is filtered is scanned all the same.",
    example: "programs",
  },
  groups: {
    type: list(label()),
    default: [],
    doc: "Names of the groups it is for; default stands for [policy]. Empty: all.",
    example: ["sales", "default"],
  },
  names: {
    type: list(nameMask("*.exe")),
    default: [],
    doc: "Masks of names: of attachments, of members of archives, of everything at any depth that has a name. Names are compared in their plain form: letters that look alike by Unicode's compatibility forms are alike, as are upper and lower case; marks that turn the direction of writing or show nothing, dots and spaces at the end and what follows a colon are left out.",
    example: ["*.exe", "*.scr", "invoice*.js"],
    knownAs: ["IncludeByName"],
  },
  names_except: {
    type: list(nameMask("*.exe")),
    default: [],
    doc: "Masks of names that the filter is not about, whatever else it says.",
    example: ["setup-known.exe"],
    knownAs: ["ExcludeByName"],
  },
  declared_types: {
    type: list(nameMask("application/*")),
    default: [],
    doc: "Masks of media types as the sender declares them.",
    example: ["application/x-msdownload", "video/*"],
    knownAs: ["IncludeByMime"],
  },
  declared_types_except: {
    type: list(nameMask("application/*")),
    default: [],
    doc: "Masks of declared media types that the filter is not about.",
    example: ["image/*"],
    knownAs: ["ExcludeByMime"],
  },
  types: {
    type: list(nameMask("pe")),
    default: [],
    doc: "Masks of the types that gw finds in the bytes, as gw scan shows them, whatever a name or a declared type says.",
    example: ["pe", "elf", "ole2"],
  },
  types_except: {
    type: list(nameMask("pe")),
    default: [],
    doc: "Masks of found types that the filter is not about.",
    example: ["zip"],
  },
  larger_than: {
    type: size({ min: "0B", max: "512MB" }),
    default: "0B",
    doc: "Objects with more bytes than this; 0B: size is not looked at.",
    example: "10MB",
  },
  more_than: {
    type: integer({ min: 0, max: 1_000_000 }),
    default: 0,
    doc: "Messages in which more objects than this match everything else that the filter says; 0: they are not counted.",
    example: 20,
  },
} as const satisfies Schema;

/** What a [[filter]] may say instead of the group's rule for filtered objects. */
export const FILTER_RULE_FIELDS = {
  action: {
    type: oneOf(ACTIONS),
    default: "quarantine",
    doc: "What is done with the message. Left out: what the group says for filtered.",
    example: "reject",
  },
  object: {
    type: oneOf(["pass", "rename", "placeholder", "remove"]),
    default: "pass",
    doc: "What is done with the object; the message is delivered then. Left out: what the group says for filtered_object.",
    example: "remove",
  },
} as const satisfies Schema;

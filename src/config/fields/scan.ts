// Settings of scanning.
import type { Schema } from "../field.ts";
import { duration, flag, integer, path, size } from "../types.ts";

/** Section scan. */
export const SCAN_FIELDS = {
  "scan.workers": {
    type: integer({ min: 0, max: 256 }),
    default: 0,
    doc: "Threads that scan. 0: one per processor core.",
    example: 4,
    knownAs: ["AntiviralSessions", "MaxThreads"],
    needsRestart: true,
  },
  "scan.timeout": {
    type: duration({ min: "1s", max: "1h" }),
    default: "60s",
    doc: "Longest time the scan of one message may take. What has not been looked at by then is unscanned.",
    example: "2m",
    knownAs: ["ScanTimeout", "MaxScanTime"],
    needsRestart: true,
  },
  "scan.object_size_max": {
    type: size({ min: "64KB", max: "512MB" }),
    default: "64MB",
    doc: "Largest object (message, part, member of an archive) that is scanned; a larger one is unscanned. It cannot be less than inbound.message_size_max.",
    example: "128MB",
    knownAs: ["MaxFileSize"],
    needsRestart: true,
  },
  "scan.expanded_size_max": {
    type: size({ min: "64KB", max: "16GB" }),
    default: "512MB",
    doc: "Most bytes that are taken out of one message, all objects together: the bound for archive bombs.",
    example: "1GB",
    knownAs: ["MaxScanSize"],
    needsRestart: true,
  },
  "scan.object_count_max": {
    type: integer({ min: 10, max: 1000000 }),
    default: 10000,
    doc: "Most objects that are taken out of one message.",
    example: 50000,
    knownAs: ["MaxFiles"],
    needsRestart: true,
  },
  "scan.depth_max": {
    type: integer({ min: 2, max: 100 }),
    default: 20,
    doc: "How deep objects may lie in each other: a file in an archive in a part of a message is at depth 3.",
    example: 30,
    knownAs: ["MaxRecursion"],
    needsRestart: true,
  },
  "scan.signatures_dir": {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Folder with signatures of your own (*.gws) and others (ClamAV files, YARA rules), also in folders in it, that are compiled at start and used beside those that come with gw. Empty: none.",
    example: "/etc/gw/signatures",
    knownAs: ["BasesPath", "DatabaseDirectory"],
  },
  "scan.passwords_file": {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Text file with passwords, one a line, that are tried on encrypted archives and documents, beside the words of the message and the usual ones; lines of ClamAV's .pwdb files are understood. It is read at start. Empty: none.",
    example: "/etc/gw/passwords.txt",
    knownAs: ["PasswordsFile"],
    needsRestart: true,
  },
  "scan.phishing_links": {
    type: flag(),
    default: true,
    doc: "Whether links in mail are held against the phishing lists that are among the signatures (ClamAV's .pdb, .wdb and .gdb files): a link that shows an address of the list and leads elsewhere, or that leads to a listed address, is suspicious. Without such lists nothing is looked at.",
    example: false,
    knownAs: ["PhishingScanURLs"],
    needsRestart: true,
  },
} as const satisfies Schema;

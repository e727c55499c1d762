// Settings of a [[feed]]: a place from where signatures come, and how they are fetched.
import type { Schema } from "../../field.ts";
import {
  anchor,
  duration,
  flag,
  list,
  oneOf,
  path,
  plainName,
  publicKey,
  secret,
  size,
  url,
} from "../../types.ts";

/** Kinds of feeds, by what is spoken with them. */
export const FEED_TYPES = ["gw", "clamav", "files"] as const;

/** What a [[feed]] says. */
export const FEED_FIELDS = {
  name: {
    type: plainName(),
    default: "",
    doc: "Name of the feed: in commands, in the log, and of its folder in the data folder.",
    example: "clamav",
  },
  type: {
    type: oneOf(FEED_TYPES),
    default: "gw",
    doc: "What is spoken with it. gw: a signed feed, as gw feed makes them. clamav: databases as the ClamAV project publishes them, from a folder that freshclam keeps or from a mirror. files: signature files of any kind that gw reads (YARA rules, ClamAV's loose files, lists of hashes, *.gws), from a folder or from URLs.",
    example: "clamav",
  },
  enabled: {
    type: flag(),
    default: true,
    doc: "Whether it is fetched. false: what was fetched before stays in use.",
    example: false,
  },
  urls: {
    type: list(url()),
    default: [],
    doc: "Where it is: http:, https: or file: URLs. gw and clamav: mirrors of the same, tried in turn. files: one URL for each file.",
    example: ["https://feed.example.org/gw/", "https://mirror.example.net/gw/"],
    knownAs: ["UpdateServerUrl", "DatabaseMirror", "PrivateMirror", "DatabaseCustomURL"],
  },
  folder: {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Types clamav and files: a folder whose files are taken, instead of urls; it is looked at every minute. Empty: urls.",
    example: "/var/lib/clamav",
  },
  root: {
    type: anchor(),
    default: "",
    doc: "Type gw: the feed's first keys, as you got them from whoever runs it: sha256: and the hash of its first root document (gw feed init prints it), or a file with one. Nothing is taken that these do not vouch for.",
    example: "sha256:d2f0d5c2e4a8f86c7c4b1c6bd4ab0d2a6d7e5f4c3b2a190817263544536271f0",
  },
  databases: {
    type: list(plainName()),
    default: ["main", "daily"],
    doc: "Type clamav: which databases are wanted.",
    example: ["daily"],
  },
  certificates: {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Type clamav: folder with certificates (*.pem, *.crt) that vouch for .sign files. With it, each .sign file that a mirror has is checked beside the signatures in the databases, and one that was there once must stay there. Empty: only the signatures in the databases are checked.",
    example: "/etc/clamav/certs",
  },
  interval: {
    type: duration({ min: "1m", max: "30d" }),
    default: "1h",
    doc: "How often a gateway that runs looks for something new; up to a tenth earlier or later, so that not all the world comes at the same minute. Public mirrors of the ClamAV project ask for no more than once an hour.",
    example: "30m",
    knownAs: ["Checks"],
  },
  age_max: {
    type: duration({ min: "1h", max: "3650d" }),
    default: "2d",
    doc: "Longest time since the feed was last found to be up to date. Beyond it gw status and /health warn.",
    example: "12h",
    knownAs: ["MaxDatabaseAge"],
  },
  size_max: {
    type: size({ min: "1KB", max: "4GB" }),
    default: "512MB",
    doc: "Most bytes that all files of the feed may have together.",
    example: "100MB",
  },
  proxy: {
    type: url({ orEmpty: true }),
    default: "",
    doc: "HTTP proxy. Empty: what the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), or none.",
    example: "http://proxy.example.org:3128",
    knownAs: ["ProxyAddress", "HTTPProxyServer"],
  },
  proxy_login: {
    type: secret(),
    default: "",
    doc: "User and password for the proxy, with a colon between them (Basic authentication).",
    example: "file:/etc/gw/proxy-login",
    knownAs: ["HTTPProxyPassword", "HTTPProxyUsername"],
  },
  licence_key: {
    type: publicKey(),
    default: "",
    doc: "Key of whoever issues licences for the feed, 64 hexadecimal digits. With it, the feed is only asked while an entitlement that this key signed is installed (gw license install); what was fetched before stays in use in any case. Empty: no licence is needed.",
    example: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  },
} as const satisfies Schema;

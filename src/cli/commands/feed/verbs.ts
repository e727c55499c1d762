// The verbs of `gw feed` and `gw bundle`, with what is said of them before they are loaded.

/** `gw feed …` */
export const FEED_VERBS = {
  init: {
    summary: "make a feed: its folder, its keys and its first root document",
    example: "gw feed init /srv/feed --name company --root 2/3 --passphrase-file /root/phrase",
    operands: "DIR",
    load: async () => (await import("./init.ts")).init,
  },
  add: {
    summary: "take signature files into a feed; they are offered with the next publish",
    example: "gw feed add /srv/feed company.gws lists/*.hdb",
    operands: "DIR FILE…",
    load: async () => (await import("./files.ts")).add,
  },
  remove: {
    summary: "take files out of a feed again",
    example: "gw feed remove /srv/feed company.gws",
    operands: "DIR NAME…",
    load: async () => (await import("./files.ts")).remove,
  },
  publish: {
    summary: "sign and bring out what is new, and renew what expires; run it daily",
    example: "gw feed publish /srv/feed",
    operands: "DIR",
    load: async () => (await import("./publish.ts")).publish,
  },
  sign: {
    summary: "sign a draft with a key, on a host without a network for one",
    example: "gw feed sign targets.json --keys /media/key/targets-1a2b3c4d.key",
    operands: "DRAFT",
    load: async () => (await import("./sign.ts")).sign,
  },
  keys: {
    summary: "list a feed's keys; with rotate, put a new one in an old one's place",
    example: "gw feed keys rotate /srv/feed timestamp",
    operands: "DIR|rotate [DIR] [ROLE]",
    load: async () => (await import("./keys.ts")).keys,
  },
  serve: {
    summary: "hand out a feed, or a folder of mirrored feeds, over HTTP",
    example: "gw feed serve /srv/feed --listen 192.0.2.1:8080",
    operands: "DIR",
    load: async () => (await import("./serve.ts")).serve,
  },
  inspect: {
    summary: "show what a feed consists of: documents, keys, files, what expires when",
    example: "gw feed inspect /srv/feed",
    operands: "DIR|FILE",
    load: async () => (await import("./inspect.ts")).inspect,
  },
} as const;

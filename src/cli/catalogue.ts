// All commands by name, with what is said of them before they are loaded.
import type { Group, Item } from "./command.ts";
import { BUNDLE } from "./commands/bundle/group.ts";
import { FEED_VERBS } from "./commands/feed/verbs.ts";
import { IMPORT } from "./commands/import/group.ts";
import { LICENSE } from "./commands/license/group.ts";
import { UPDATE } from "./commands/update/group.ts";
import { USER } from "./commands/user/verbs.ts";
import { vaultVerbs } from "./commands/vault/verbs.ts";

const FEED: Group = {
  summary: "run a feed of signatures that others subscribe to",
  verbs: FEED_VERBS,
};

const control = () => import("./control/commands.ts");
const queue = () => import("./commands/queue.ts");
const exempt = () => import("./commands/policy/exempt.ts");
const config = () => import("./commands/config/explain.ts");
const signatures = () => import("./commands/signatures.ts");
const template = () => import("./commands/template.ts");

const QUEUE: Group = {
  summary: "look at and steer the mail that waits for delivery",
  verbs: {
    list: {
      summary: "list waiting messages, oldest first",
      example: "gw queue list --recipient @example.org",
      load: async () => (await queue()).list,
    },
    show: {
      summary: "show one message with all its recipients",
      example: "gw queue show 0Tq3fXw1kAB",
      operands: "ID",
      load: async () => (await queue()).show,
    },
    retry: {
      summary: "try messages now",
      example: "gw queue retry --all",
      operands: "[ID…]",
      load: async () => (await queue()).retry,
    },
    hold: {
      summary: "keep messages from being tried",
      example: "gw queue hold --recipient @example.org",
      operands: "[ID…]",
      load: async () => (await queue()).hold,
    },
    release: {
      summary: "end a hold",
      example: "gw queue release --all",
      operands: "[ID…]",
      load: async () => (await queue()).release,
    },
    delete: {
      summary: "delete messages; nobody is told",
      example: "gw queue delete 0Tq3fXw1kAB",
      operands: "[ID…]",
      load: async () => (await queue()).remove,
    },
    reroute: {
      summary: "send messages another way",
      example: "gw queue reroute --recipient @example.org --to [192.0.2.9]:25",
      operands: "[ID…]",
      load: async () => (await queue()).reroute,
    },
    flush: {
      summary: "try all mail now, or that for some domains",
      example: "gw queue flush example.org",
      operands: "[DOMAIN…]",
      load: async () => (await queue()).flush,
    },
  },
};

const EXEMPT: Group = {
  summary: "let through what was kept back by mistake",
  verbs: {
    add: {
      summary: "let a file, or a signature's match, pass for a time",
      example: 'gw exempt add --file a.xls --for 30d --reason "our own macro"',
      load: async () => (await exempt()).add,
    },
    list: {
      summary: "list exemptions, with how often each was used",
      example: "gw exempt list",
      load: async () => (await exempt()).list,
    },
    remove: {
      summary: "end exemptions",
      example: "gw exempt remove 3",
      operands: "NUMBER…",
      load: async () => (await exempt()).remove,
    },
  },
};

const CONFIG: Group = {
  summary: "check, explain, compare and change the configuration",
  verbs: {
    check: {
      summary: "find every mistake in a file",
      example: "gw config check /etc/gw/gw.toml",
      operands: "[FILE]",
      load: async () => (await config()).check,
    },
    describe: {
      summary: "explain a setting or a section, or list all settings",
      example: "gw config describe inbound.message_size_max",
      operands: "[KEY]",
      load: async () => (await config()).explain,
    },
    sample: {
      summary: "print a file with every setting explained",
      example: "gw config sample > /etc/gw/gw.toml",
      load: async () => (await config()).sampleFile,
    },
    show: {
      summary: "print the settings in force, for all mail or for one sender and recipient",
      example: "gw config show --for alice@example.com bob@example.org",
      operands: "[RECIPIENT]",
      load: async () => (await import("./commands/config/show.ts")).showInForce,
    },
    diff: {
      summary: "compare a file with the defaults, or two files; exits 1 if they differ",
      example: "gw config diff /etc/gw/gw.toml new.toml",
      operands: "[FILE] [FILE]",
      load: async () => (await import("./commands/config/show.ts")).diff,
    },
    set: {
      summary: "change one setting in its file; comments stay, mistakes are not written",
      example: "gw config set inbound.message_size_max 100MB --reload",
      operands: "KEY VALUE…",
      load: async () => (await import("./commands/config/set.ts")).set,
    },
  },
};

const SIGNATURES: Group = {
  summary: "list, compile, import, inspect and try signatures",
  verbs: {
    list: {
      summary: "list the signatures in use",
      example: "gw signatures list eicar",
      operands: "[WORD]",
      load: async () => (await signatures()).list,
    },
    compile: {
      summary: "compile signature sources, or say what is wrong in them",
      example: "gw signatures compile /etc/gw/signatures --output site.gwdb",
      operands: "FILE|DIR",
      load: async () => (await signatures()).compile,
    },
    import: {
      summary: "read ClamAV files, YARA rules and lists of hashes; report on each file",
      example: "gw signatures import main.cvd local.ldb --to /etc/gw/signatures",
      operands: "FILE|DIR…",
      load: async () => (await import("./commands/signatures/import.ts")).importFiles,
    },
    inspect: {
      summary: "show what a compiled set consists of",
      example: "gw signatures inspect site.gwdb",
      operands: "FILE",
      load: async () => (await import("./commands/signatures/inspect.ts")).inspect,
    },
    test: {
      summary: "say why a signature hits a file or does not, part by part",
      example: "gw signatures test Eicar-Test-File sample.eml",
      operands: "[NAME] FILE…",
      load: async () => (await import("./commands/signatures/test.ts")).test,
    },
  },
};

const TEMPLATE: Group = {
  summary: "check and try the texts of notices and placeholders",
  verbs: {
    check: {
      summary: "find every mistake in templates, with line and column",
      example: "gw template check /etc/gw/templates",
      operands: "FILE|DIR…",
      load: async () => (await template()).check,
    },
    render: {
      summary: "show a template, or with --kind a shipped text, with sample values",
      example: "gw template render --kind placeholder --language de",
      operands: "[FILE]",
      load: async () => (await template()).render,
    },
    source: {
      summary: "print a shipped text, to write one's own from",
      example: "gw template source notice-admin > notice-admin.tmpl",
      operands: "KIND",
      load: async () => (await template()).source,
    },
    macros: {
      summary: "list the macros that a kind of text may use",
      example: "gw template macros placeholder",
      operands: "[KIND]",
      load: async () => (await template()).macros,
    },
  },
};

const VAULT: Group = {
  summary: "look at and decide on the mail that is kept: quarantine, backup and archive",
  verbs: vaultVerbs("vault", undefined),
};

const QUARANTINE: Group = {
  summary: "the same for the quarantine alone",
  verbs: vaultVerbs("quarantine", "quarantine"),
};

const service = () => import("./commands/service.ts");
const SERVICE: Group = {
  summary: "have this host start gw: systemd, SysV init, OpenRC, FreeBSD's rc.d",
  verbs: {
    install: {
      summary: "write the start script, make the user and the folders; nothing is overwritten",
      example: "gw service install --dry-run",
      load: async () => (await service()).install,
    },
    remove: {
      summary: "stop gw and remove the start script; mail and configuration stay",
      example: "gw service remove",
      load: async () => (await service()).remove,
    },
    status: {
      summary: "say whether the start script is in place and gw runs; exits 1 if not",
      example: "gw service status --json",
      load: async () => (await service()).status,
    },
  },
};

/** True of commands that have verbs. */
export function isGroup(item: Item): item is Group {
  return "verbs" in item;
}

/** All commands, under the headings that help shows them. */
export const CATALOGUE: Readonly<Record<string, Readonly<Record<string, Item>>>> = {
  "Run the gateway": {
    serve: {
      summary: "run the gateway until it is told to stop",
      example: "gw serve --config /etc/gw/gw.toml",
      load: async () => (await import("./commands/serve.ts")).serve,
    },
    quickstart: {
      summary:
        "try gw out, with a next hop that keeps mail as files; --domain: set gw up for yours",
      example: "gw quickstart",
      load: async () => (await import("./commands/quickstart.ts")).quickstart,
    },
    service: SERVICE,
    "send-test": {
      summary: "send a clean mail and a test virus through a quickstart gateway",
      example: "gw send-test",
      load: async () => (await import("./commands/send-test.ts")).sendTest,
    },
  },
  "Steer a gateway that runs": {
    doctor: {
      summary: "look at all that a gateway needs, and say what to do; exits 1 if something fails",
      example: "gw doctor --skip-dns",
      load: async () => (await import("./commands/doctor.ts")).doctor,
    },
    status: {
      summary: "say how the gateway is",
      example: "gw status",
      load: async () => (await control()).status,
    },
    reload: {
      summary: "take a changed configuration and changed signatures",
      example: "gw reload",
      load: async () => (await control()).reload,
    },
    pause: {
      summary: "stop receiving, scanning or sending for a while; nothing is lost",
      example: "gw pause send",
      operands: "receive|scan|send|all…",
      load: async () => (await control()).pause,
    },
    resume: {
      summary: "go on with what was paused",
      example: "gw resume all",
      operands: "receive|scan|send|all…",
      load: async () => (await control()).resume,
    },
    upgrade: {
      summary: "have another executable of gw take over, without dropping a session",
      example: "gw upgrade --binary /tmp/gw-linux-x64",
      load: async () => (await import("./control/upgrade.ts")).upgrade,
    },
    drain: {
      summary: "take no new mail and send what waits, before an upgrade for one",
      example: "gw drain --wait --timeout 10m",
      load: async () => (await control()).drain,
    },
    top: {
      summary: "show the gateway at work: rates, sessions, queue, verdicts; q quits",
      example: "gw top --interval 2",
      load: async () => (await import("./control/top.ts")).top,
    },
    trace: {
      summary: "show the SMTP dialogue and what is decided, as it happens; no bodies, no passwords",
      example: "gw trace --ip 192.0.2.0/24 --to bob@example.org",
      load: async () => (await import("./control/trace.ts")).trace,
    },
    stats: {
      summary: "print the counters since the start, or by minute, hour or day",
      example: "gw stats --history day --from 30d",
      operands: "[minute|hour|day]",
      load: async () => (await import("./control/stats.ts")).stats,
    },
    explain: {
      summary: "tell what an event of the log means, and what to do about it",
      example: "gw explain next-hop-down",
      operands: "[EVENT]",
      load: async () => (await import("./commands/explain.ts")).explain,
    },
    report: {
      summary: "tell what happened in a period: as text, JSON, a page with pictures, or by mail",
      example: "gw report --from 7d --html report.html",
      load: async () => (await import("./commands/report.ts")).report,
    },
    stop: {
      summary: "stop the gateway in good order",
      example: "gw stop",
      load: async () => (await control()).stop,
    },
  },
  "Mail and files": {
    scan: {
      summary: "take files apart and scan them; exits 0 clean, 1 infected, 2 error",
      example: "gw scan --json mail/ invoice.zip",
      operands: "FILE|DIR|-…",
      load: async () => (await import("./commands/scan.ts")).scan,
    },
    explode: {
      summary: "show what a file consists of, and write its objects out",
      example: "gw explode invoice.eml --to objects/",
      operands: "FILE",
      load: async () => (await import("./commands/explode.ts")).explode,
    },
    why: {
      summary: "tell what became of the mail of an address or id, or why it was refused",
      example: "gw why bob@example.org",
      operands: "WORD",
      load: async () => (await import("./commands/policy/why.ts")).why,
    },
    simulate: {
      summary: "tell what would be done with a message, and do nothing",
      example: "gw simulate mail.eml --from a@example.com --to b@example.org",
      operands: "FILE",
      load: async () => (await import("./commands/policy/simulate.ts")).simulate,
    },
    queue: QUEUE,
    vault: VAULT,
    quarantine: QUARANTINE,
    exempt: EXEMPT,
  },
  Settings: {
    config: CONFIG,
    user: USER,
    import: IMPORT,
    signatures: SIGNATURES,
    update: UPDATE,
    license: LICENSE,
    template: TEMPLATE,
    feed: FEED,
    bundle: BUNDLE,
  },
  "gw itself": {
    licenses: {
      summary: "list all that this executable is made of, with versions and licences",
      example: "gw licenses --texts",
      operands: "[WORD]",
      load: async () => (await import("./commands/about/licenses.ts")).licenses,
    },
  },
};

/** All commands by name. */
export function allCommands(): Readonly<Record<string, Item>> {
  return Object.assign({}, ...Object.values(CATALOGUE)) as Record<string, Item>;
}

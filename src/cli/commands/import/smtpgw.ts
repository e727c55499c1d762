// `gw import smtpgw`: the configuration and the texts of SMTP-Gateway 5.5 or 5.0.
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { writeAtomically } from "../../../base/file/atomic-file.ts";
import { readText } from "../../../config/file/text-file.ts";
import type { Draft } from "../../../config/import/draft.ts";
import type { Entry, ReportItem } from "../../../config/import/entry.ts";
import { convertSmtpgw } from "../../../config/import/smtpgw/convert.ts";
import { isSmtpgw } from "../../../config/import/smtpgw/ini.ts";
import type { TemplateKind } from "../../../template/macros.ts";
import { checkTemplate } from "../../../template/render.ts";
import { CliError, command, OPTIONS } from "../../command.ts";
import { finish, refuseExisting } from "./report.ts";

/** Files of the old product, and the kinds of text that each becomes. */
const TEMPLATES: Readonly<Record<string, readonly TemplateKind[]>> = {
  "notify.tmpl": ["notice-admin", "notice-sender", "notice-recipient"],
  "placeholder.tmpl": ["placeholder"],
  "dsn.tmpl": ["dsn"],
  "disclaimer.tmpl": ["disclaimer"],
};
const TEMPLATE_SIZE_MAX = 1 << 20;
const FOLDER = "templates";

// What a template would be as an entry of the configuration, so that its setting can say its name.
function entryFor(file: string): Entry {
  return { section: "", name: file, value: "", line: 0, offset: 0, valueOffset: 0 };
}

/** One text carried over, or the reason why not. */
function carryText(file: string, kind: TemplateKind, to: string): ReportItem {
  const text = readText(file, TEMPLATE_SIZE_MAX);
  const [problem, ...more] = checkTemplate(text, kind).problems;
  const item = { line: problem?.line ?? 0, parameter: file, value: "" };
  const setting = kind === "disclaimer" ? "policy.disclaimer" : "policy.templates_dir";
  if (problem !== undefined) {
    const rest = more.length > 0 ? `, and ${more.length} more` : "";
    const note = `as ${kind}: ${problem.message}${rest}; not taken, gw's own text is used`;
    return { ...item, outcome: "changed", settings: [setting], note };
  }
  writeAtomically(to, text, 0o644);
  return { ...item, outcome: "taken", settings: [setting], note: `as ${to}` };
}

function carryTexts(from: string, out: string, draft: Draft): ReportItem[] {
  const folder = join(dirname(resolve(out)), FOLDER);
  const items: ReportItem[] = [];
  for (const [name, kinds] of Object.entries(TEMPLATES)) {
    const file = join(from, name);
    if (!existsSync(file)) continue;
    for (const kind of kinds) {
      const to = join(folder, `${kind}.tmpl`);
      refuseExisting(to);
      mkdirSync(folder, { recursive: true });
      const item = carryText(file, kind, to);
      items.push(item);
      if (item.outcome !== "taken") continue;
      if (kind === "disclaimer") draft.settings.set("policy.disclaimer", to, entryFor(name));
      else draft.settings.set("policy.templates_dir", folder, entryFor(name));
    }
  }
  return items;
}

/** `gw import smtpgw` */
export const importSmtpgw = command(
  {
    templates: {
      type: "string",
      valueHint: "DIR",
      description: "folder of the old texts (notify.tmpl …), which are copied beside the result",
    },
    json: OPTIONS.json,
  },
  (args, terminal) => {
    const [from = "", to] = args._;
    const text = readText(from);
    if (!isSmtpgw(text)) {
      throw new CliError(`${from} is no smtpgw.conf: it has no section such as [smtpgw.network]`);
    }
    refuseExisting(to);
    const { draft, report, bad } = convertSmtpgw(text);
    if (args.templates !== undefined && to === undefined) {
      throw new CliError("--templates needs a file to write to: the texts are put beside it");
    }
    if (args.templates !== undefined && !existsSync(args.templates)) {
      throw new CliError(`${args.templates}: no such folder`);
    }
    const texts =
      args.templates === undefined || to === undefined ? [] : carryTexts(args.templates, to, draft);
    const items = [...report.items, ...texts];
    if (items.length === 0)
      throw new CliError(`${from} has no parameters: there is nothing to take`);
    return finish(terminal, { from, to, draft, items, bad }, args.json === true);
  },
);

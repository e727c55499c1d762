// Rules for a configuration that only this layer can hold: it knows the types that the scanner tells
// apart, and what files a policy reads.

import { existsSync } from "node:fs";
import { describeError } from "../../base/log.ts";
import type { Conflict } from "../../config/conflict.ts";
import { ConfigError } from "../../config/file/text-file.ts";
import type { Config } from "../../config/schema.ts";
import type { RuleSettings } from "../../config/tables.ts";
import { defaultGroup } from "../../policy/groups.ts";
import { readMaskFile } from "../../policy/mask.ts";
import { FILE_TYPES } from "../../scan/file-type.ts";
import { TEMPLATE_KINDS, type TemplateKind } from "../../template/macros.ts";
import { checkTemplate } from "../../template/render.ts";
import { LANGUAGES } from "../../template/shipped.ts";
import { nearest } from "../../text/nearest.ts";
import { matchesWildcard } from "../../text/wildcard.ts";
import { readSigningKey } from "../../treat/seal/keys.ts";
import { isTemplateKind, readTemplate, templateFiles } from "./texts.ts";

function* unknownTypes(config: Config): Generator<Conflict> {
  for (const [index, filter] of config.filter.entries()) {
    for (const side of ["types", "types_except"] as const) {
      for (const [position, mask] of filter[side].entries()) {
        if (FILE_TYPES.some((type) => matchesWildcard(mask.toLowerCase(), type))) continue;
        const near = nearest(mask, FILE_TYPES);
        const hint = near === undefined ? "" : `; did you mean "${near}"?`;
        const message = `"${mask}" never matches: gw knows no such type of file${hint}`;
        yield { keys: [`filter[${index}].${side}[${position}]`], message };
      }
    }
  }
}

function* unreadableLists(config: Config): Generator<Conflict> {
  for (const [index, group] of config.group.entries()) {
    for (const side of ["from", "to"] as const) {
      for (const [position, mask] of group[side].entries()) {
        if (!mask.startsWith("file:")) continue;
        yield* faultOfList(`group[${index}].${side}[${position}]`, mask.slice("file:".length));
      }
    }
  }
  const recipients = config["access.recipients_file"];
  if (recipients !== "") yield* faultOfList("access.recipients_file", recipients);
}

function* faultOfList(key: string, file: string): Generator<Conflict> {
  try {
    readMaskFile(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    yield { keys: [key], message: error.message };
  }
}

/** The rules of one group as its table has them, or of [policy] with `key` "policy.". */
interface OwnRules {
  readonly key: string;
  readonly own: Partial<RuleSettings>;
  readonly rules: RuleSettings;
}

function allRules(config: Config): readonly OwnRules[] {
  const { rules } = defaultGroup(config);
  const groups = config.group.map((own, index) => {
    return { key: `group[${index}].`, own, rules: { ...rules, ...own } };
  });
  return [{ key: "policy.", own: rules, rules }, ...groups];
}

function mistakeIn(path: string, kind: TemplateKind): string | undefined {
  try {
    readTemplate(path, kind);
    return undefined;
  } catch (error) {
    return `the template can't be used: ${describeError(error)}`;
  }
}

const NAMED_TEMPLATES = [
  ["placeholder", "placeholder"],
  ["disclaimer", "disclaimer"],
  ["disclaimer_html", "disclaimer-html"],
] as const;

function* badTemplates(config: Config): Generator<Conflict> {
  for (const { key, own, rules } of allRules(config)) {
    for (const [name, kind] of NAMED_TEMPLATES) {
      const path = own[name] ?? "";
      const message = path === "" ? undefined : mistakeIn(path, kind);
      if (message !== undefined) yield { keys: [`${key}${name}`], message };
    }
    if (rules.disclaimer === "" && (own.disclaimer_html ?? "") !== "") {
      const message = "disclaimer_html has no effect without disclaimer: set that as well";
      yield { keys: [`${key}disclaimer_html`], message };
    }
    const { templates_dir: folder } = own;
    if (folder === undefined || folder === "") continue;
    for (const message of badFolder(folder)) yield { keys: [`${key}templates_dir`], message };
  }
}

function* badFolder(folder: string): Generator<string> {
  try {
    for (const { path, kind } of templateFiles(folder)) {
      if (isTemplateKind(kind)) {
        const mistake = mistakeIn(path, kind);
        if (mistake !== undefined) yield mistake;
        continue;
      }
      const near = nearest(kind, TEMPLATE_KINDS);
      const hint = near === undefined ? `one of ${TEMPLATE_KINDS.join(", ")}` : `perhaps ${near}`;
      yield `${path}: "${kind}" is no kind of text (${hint})`;
    }
  } catch (error) {
    yield `the folder can't be read: ${describeError(error)}`;
  }
}

function* unknownLanguages(config: Config): Generator<Conflict> {
  for (const { key, own, rules } of allRules(config)) {
    const { language } = own;
    if (language === undefined || LANGUAGES.some((one) => one === language)) continue;
    const { templates_dir: folder } = rules;
    if (folder !== "" && existsSync(folder)) {
      if (templateFiles(folder).some((file) => file.language === language)) continue;
    }
    const place = folder === "" ? "a folder that templates_dir names" : folder;
    const message =
      `there are no texts in "${language}": gw has ${LANGUAGES.join(", ")}; ` +
      `put files like notice-admin.${language}.tmpl into ${place}`;
    yield { keys: [`${key}language`], message };
  }
}

function* badMarks(config: Config): Generator<Conflict> {
  for (const { key, own } of allRules(config)) {
    const marks = [
      [`${key}subject_mark`, own.subject_mark ?? ""],
      ...(own.header ?? []).map((field, index) => [`${key}header[${index}]`, field]),
    ] as const;
    for (const [place, source] of marks) {
      const [problem] = checkTemplate(source ?? "", "mark").problems;
      if (problem !== undefined) yield { keys: [place ?? key], message: problem.message };
    }
  }
}

function* badKeys(config: Config): Generator<Conflict> {
  for (const [index, { domain, selector, key, dkim, arc }] of config.signing.entries()) {
    const place = `signing[${index}]`;
    for (const [name, value] of Object.entries({ domain, selector, key })) {
      const message = `a [[signing]] needs its ${name}`;
      if (value === "") yield { keys: [`${place}.${name}`, place], message };
    }
    if (/[^a-z0-9._-]/i.test(selector)) {
      const message = "a selector is part of a name in the DNS: letters, digits, - and _";
      yield { keys: [`${place}.selector`], message };
    }
    if (!dkim && !arc) {
      const message = "with dkim and arc both false nothing is signed with it";
      yield { keys: [`${place}.dkim`, place], message };
    }
    try {
      if (key !== "") readSigningKey(key);
    } catch (error) {
      const message = `the key can't be used: ${describeError(error)}`;
      yield { keys: [`${place}.key`], message };
    }
  }
}

/** What is wrong with a configuration beyond what its schema knows. */
export function findPolicyConflicts(config: Config): readonly Conflict[] {
  return [
    ...unknownTypes(config),
    ...unreadableLists(config),
    ...badTemplates(config),
    ...unknownLanguages(config),
    ...badMarks(config),
    ...badKeys(config),
  ];
}

// Shows the schema to people: one setting, all of them, a file to start from, the table of the
// documentation. All of it is made from the same records that the loader uses.
import { nearest } from "../text/nearest.ts";
import { type Field, nameOf, type Schema, sectionOf, toToml } from "./field.ts";
import { type Config, SCHEMA, SECTIONS } from "./schema.ts";
import { TABLES, type Table } from "./tables.ts";

const WIDTH = 78;

// Breaks a text into lines of at most `width`, each with `indent` before it.
function wrap(text: string, indent: string, width = WIDTH): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + word.length >= width) {
      lines.push(indent + line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, indent + line].join("\n");
}

// "a duration from 1s to 1h, such as …" without its article.
function expectation(field: Field): string {
  return field.type.expected.replace(/^an? /, "");
}

function describeField(key: string, field: Field): string {
  const lines = [
    key,
    wrap(field.doc, "  "),
    `  Value:    ${expectation(field)}`,
    `  Default:  ${nameOf(key)} = ${toToml(field.default)}`,
    `  Example:  ${nameOf(key)} = ${toToml(field.example)}`,
  ];
  if (field.knownAs !== undefined) lines.push(`  Known as: ${field.knownAs.join(", ")}`);
  if (field.needsRestart === true) lines.push("  A change needs a restart of gw.");
  return `${lines.join("\n")}\n`;
}

function fieldsOf(section: string): readonly (readonly [string, Field])[] {
  const schema: Schema = SCHEMA;
  return Object.entries(schema).filter(([key]) => sectionOf(key) === section);
}

const tables: Readonly<Record<string, Table>> = TABLES;

// The settings that are shown of a table, by name.
function fieldsOfTable({ fields, optional, optionalAre }: Table): readonly [string, Field][] {
  return Object.entries({ ...fields, ...(optionalAre === "" ? optional : {}) });
}

function aboutTable({ optionalAre, needsRestart }: Table): string {
  return needsRestart === true ? `${optionalAre} A change needs a restart.`.trim() : optionalAre;
}

function describeTable(name: string, table: Table): string {
  const settings = fieldsOfTable(table).map(([key, field]) =>
    describeField(`${name}.${key}`, field),
  );
  const about = aboutTable(table);
  const more = about === "" ? "" : `\n${wrap(about, "")}\n`;
  return `[[${name}]] ${table.title}\n\n${settings.join("\n")}${more}`;
}

function summary(): string {
  const blocks = Object.entries(SECTIONS).map(([section, title]) => {
    const lines = fieldsOf(section).map(
      ([key, field]) => `  ${key.padEnd(34)} ${toToml(field.default)}`,
    );
    return `${title}\n${lines.join("\n")}\n`;
  });
  const lists = Object.entries(tables).map(([name, table]) => {
    const lines = fieldsOfTable(table).map(
      ([key, field]) => `  ${`[[${name}]] ${key}`.padEnd(34)} ${toToml(field.default)}`,
    );
    return `${table.title}\n${lines.join("\n")}\n`;
  });
  return [...blocks, ...lists].join("\n");
}

// The keys that a word may stand for: names without their section, and those of other products.
function keysCalled(word: string): readonly string[] {
  const schema: Schema = SCHEMA;
  const wanted = word.toLowerCase();
  const isCalled = ([key, { knownAs = [] }]: readonly [string, Field]) =>
    nameOf(key) === wanted || knownAs.some((other) => other.toLowerCase() === wanted);
  return Object.entries(schema)
    .filter(isCalled)
    .map(([key]) => key);
}

/**
 * Describes a setting (by its key, its name or what others call it) or a section, or without a key
 * lists all settings. Of a name that does not exist: undefined, and what was perhaps meant.
 */
export function describe(key?: string): { readonly text?: string; readonly meant?: string } {
  if (key === undefined) return { text: summary() };
  const table = tables[key.replaceAll(/[[\]]/g, "")];
  if (table !== undefined) return { text: describeTable(key.replaceAll(/[[\]]/g, ""), table) };
  const [tableName = "", name = ""] = key.split(".");
  const ofTable = Object.hasOwn(tables, tableName)
    ? fieldsOfTable(tables[tableName] as Table).find(([each]) => each === name)
    : undefined;
  if (ofTable !== undefined) return { text: describeField(key, ofTable[1]) };
  const schema: Schema = SCHEMA;
  const inSection = fieldsOf(key).map(([each]) => each);
  const keys = Object.hasOwn(schema, key)
    ? [key]
    : inSection.length > 0
      ? inSection
      : keysCalled(key);
  if (keys.length > 0) {
    return { text: keys.map((each) => describeField(each, schema[each] as Field)).join("\n") };
  }
  const names = [...Object.keys(schema), ...Object.keys(SECTIONS), ...Object.keys(tables)];
  const meant = nearest(key, names);
  return meant === undefined ? {} : { meant };
}

/** A whole configuration file: every setting explained, its default there as a comment. */
export function sample(): string {
  const sections = Object.entries(SECTIONS).map(([section, title]) => {
    const settings = fieldsOf(section).map(([key, field]) => {
      const about = `${wrap(field.doc, "# ")}\n${wrap(`Value: ${expectation(field)}.`, "# ")}`;
      return `${about}\n#${nameOf(key)} = ${toToml(field.default)}\n`;
    });
    return `# ${title}.\n[${section}]\n\n${settings.join("\n")}`;
  });
  const head = [
    "# Configuration of gw. Every setting stands here with its default; remove the # in front of",
    "# one to change it. `gw config check` says whether the file is right.",
  ];
  const lists = Object.entries(tables).map(([name, table]) => {
    const settings = fieldsOfTable(table).map(
      ([key, field]) => `${wrap(field.doc, "#     # ")}\n#     ${key} = ${toToml(field.example)}\n`,
    );
    const more = table.optionalAre === "" ? "" : `${wrap(table.optionalAre, "#     # ")}\n`;
    return `# ${table.title}. Any number of these:\n#\n#     [[${name}]]\n${settings.join("")}${more}`;
  });
  return `${head.join("\n")}\n\n${[...sections, ...lists].join("\n")}`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("*", "\\*");
}

const TABLE_HEAD = "| setting | value | default | what it does |\n|---|---|---|---|";

function tableRow(name: string, field: Field): string {
  const names = field.knownAs === undefined ? "" : ` Known as ${field.knownAs.join(", ")}.`;
  const value = `${cell(field.type.name)}: ${cell(expectation(field))}`;
  const code = (raw: unknown) => `\`${toToml(raw)}\``;
  const restart = field.needsRestart === true ? " Needs a restart." : "";
  const about = `${cell(field.doc)} Example: ${code(field.example)}.${cell(names)}${restart}`;
  return `| \`${name}\` | ${value} | ${code(field.default)} | ${about} |`;
}

/** The reference of all settings as a Markdown page. */
export function markdown(): string {
  const sections = Object.entries(SECTIONS).map(([section, title]) => {
    const rows = fieldsOf(section).map(([key, field]) => tableRow(nameOf(key), field));
    return `## [${section}] ${title}\n\n${TABLE_HEAD}\n${rows.join("\n")}\n`;
  });
  const lists = Object.entries(tables).map(([name, table]) => {
    const rows = fieldsOfTable(table).map(([key, field]) => tableRow(key, field));
    const about = aboutTable(table);
    const more = about === "" ? "" : `\n${about}\n`;
    return `## [[${name}]] ${table.title}\n\n${TABLE_HEAD}\n${rows.join("\n")}\n${more}`;
  });
  const intro = [
    "# Configuration",
    "",
    "gw reads one TOML file: the one named by `--config`, else `/etc/gw/gw.toml`, else",
    "`/usr/local/etc/gw/gw.toml`, else nothing: every setting has a default. `gw config sample`",
    "writes a file with all settings explained, `gw config check` finds mistakes in one and",
    "`gw config show` prints what is in force; `gw reload` takes changes while mail flows, except",
    "where the table says that they need a restart.",
    "",
    "After the file gw reads every `*.toml` of the folder beside it that is called `gw.d` (`NAME.d` for",
    "`NAME.toml`), in the order of their names. What a later file sets wins; `[[tables]]` are added up.",
    "",
    'In a list, `"file:/path"` stands for the lines of a file; gw takes a change of it by itself within',
    'seconds. A secret may be written `"file:/path"` or `"env:NAME"`, to be read from there.',
    "",
    'Sizes are written "256KB" or "50MB" (1KB is 1024 bytes), durations "30s", "5m", "2h", "5d".',
    "",
    "This page is made by `gw config describe --markdown`; do not edit it.",
    "",
  ];
  return `${intro.join("\n")}\n${[...sections, ...lists].join("\n")}`;
}

/** The configuration in force as a TOML file; secrets are not shown. */
export function show(config: Config): string {
  const values: Readonly<Record<string, unknown>> = config;
  const sections = Object.keys(SECTIONS).map((section) => {
    const lines = fieldsOf(section).map(
      ([key, field]) => `${nameOf(key)} = ${field.type.write(values[key])}`,
    );
    return `[${section}]\n${lines.join("\n")}\n`;
  });
  const lists = Object.entries(tables).flatMap(([name, { fields, optional }]) => {
    const all: Schema = { ...fields, ...optional };
    const rows = values[name] as readonly Readonly<Record<string, unknown>>[];
    return rows.map((row) => {
      const lines = Object.entries(row).map(([key, value]) => {
        return `${key} = ${(all[key] as Field).type.write(value)}`;
      });
      return `[[${name}]]\n${lines.join("\n")}\n`;
    });
  });
  return [...sections, ...lists].join("\n");
}

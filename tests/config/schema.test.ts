import { describe, expect, test } from "bun:test";
import { type Field, nameOf, type Schema, sectionOf } from "../../src/config/field.ts";
import { type Config, SCHEMA, SECTIONS } from "../../src/config/schema.ts";
import { TABLES } from "../../src/config/tables.ts";

const schema: Schema = SCHEMA;
const fields = Object.entries(schema);
const inTables = Object.entries(TABLES).flatMap(([table, { fields: own, optional }]) =>
  Object.entries({ ...own, ...optional } as Schema).map(
    ([name, field]) => [`${table}.${name}`, field] as const,
  ),
);

describe("the schema", () => {
  test.each([...fields, ...inTables])(
    "%s has a valid default, a valid example and a text",
    (_, field: Field) => {
      // The name of a table has no default: it must be given.
      const isGiven = field.type.name === "name";
      if (!isGiven) expect(field.type.read(field.default).kind).toBe("value");
      expect(field.type.read(field.example).kind).toBe("value");
      expect(field.example).not.toEqual(field.default);
      expect(field.doc).toMatch(/^[A-Z].*\.$/s);
    },
  );

  test("keys are section.name in snake_case, and sections have titles", () => {
    for (const [key] of fields) {
      expect(key).toMatch(/^[a-z]+\.[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
      expect(Object.keys(SECTIONS)).toContain(sectionOf(key));
      expect(`${sectionOf(key)}.${nameOf(key)}`).toBe(key);
    }
  });

  test("no name of another product stands for two settings", () => {
    const names = fields.flatMap(([, { knownAs }]) => knownAs ?? []);
    expect(new Set(names).size).toBe(names.length);
  });

  test("values have the types of their fields", () => {
    const typed = (config: Config) => {
      const listen: readonly string[] = config["inbound.listen"];
      const size: number = config["inbound.message_size_max"];
      const action: "deliver" | "block" | "quarantine" | "defer" | "reject" =
        config["policy.infected"];
      const ofGroup: typeof action | undefined = config.group[0]?.infected;
      return [listen, size, action, ofGroup];
    };
    expect(typed).toBeFunction();
  });
});

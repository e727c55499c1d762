// The columns of the metadata tables. ECMA-335 part II §22; the debugging tables between them are
// laid out too, since rows of later tables lie behind theirs.

/** What a coded index may point to: its lowest bits say which table. */
export interface CodedIndex {
  readonly bits: number;
  readonly tables: readonly number[];
}

/** Coded indexes. ECMA-335 §24.2.6. */
export const CODED = {
  typeDefOrRef: { bits: 2, tables: [0x02, 0x01, 0x1b] },
  hasConstant: { bits: 2, tables: [0x04, 0x08, 0x17] },
  hasCustomAttribute: {
    bits: 5,
    tables: [
      ...[0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0a, 0x00, 0x0e, 0x17, 0x14, 0x11, 0x1a, 0x1b],
      ...[0x20, 0x23, 0x26, 0x27, 0x28, 0x2a, 0x2c, 0x2b],
    ],
  },
  hasFieldMarshal: { bits: 1, tables: [0x04, 0x08] },
  hasDeclSecurity: { bits: 2, tables: [0x02, 0x06, 0x20] },
  memberRefParent: { bits: 3, tables: [0x02, 0x01, 0x1a, 0x06, 0x1b] },
  hasSemantics: { bits: 1, tables: [0x14, 0x17] },
  methodDefOrRef: { bits: 1, tables: [0x06, 0x0a] },
  memberForwarded: { bits: 1, tables: [0x04, 0x06] },
  implementation: { bits: 2, tables: [0x26, 0x23, 0x27] },
  customAttributeType: { bits: 3, tables: [0x06, 0x0a] },
  resolutionScope: { bits: 2, tables: [0x00, 0x1a, 0x23, 0x01] },
  typeOrMethodDef: { bits: 1, tables: [0x02, 0x06] },
} as const satisfies Readonly<Record<string, CodedIndex>>;

/** A column: a number, an index into a heap, into a table (its number), or a coded one. */
export type Column =
  | "byte"
  | "short"
  | "long"
  | "name"
  | "guid"
  | "blob"
  | number
  | keyof typeof CODED;

/** Numbers of the tables that are read by name. */
export const TABLE = {
  ...{ module: 0x00, typeRef: 0x01, typeDef: 0x02, field: 0x04, method: 0x06, param: 0x08 },
  ...{ interfaceImpl: 0x09, memberRef: 0x0a, constant: 0x0b, customAttribute: 0x0c },
  ...{ moduleRef: 0x1a, typeSpec: 0x1b, fieldRva: 0x1d, assembly: 0x20, assemblyRef: 0x23 },
  ...{ resource: 0x28, nestedClass: 0x29, genericParam: 0x2a },
} as const;

/** Columns by table. */
export const SCHEMA: readonly (readonly Column[] | undefined)[] = [
  ["short", "name", "guid", "guid", "guid"],
  ["resolutionScope", "name", "name"],
  ["long", "name", "name", "typeDefOrRef", 0x04, 0x06],
  [0x04],
  ["short", "name", "blob"],
  [0x06],
  ["long", "short", "short", "name", "blob", 0x08],
  [0x08],
  ["short", "short", "name"],
  [0x02, "typeDefOrRef"],
  ["memberRefParent", "name", "blob"],
  ["short", "hasConstant", "blob"],
  ["hasCustomAttribute", "customAttributeType", "blob"],
  ["hasFieldMarshal", "blob"],
  ["short", "hasDeclSecurity", "blob"],
  ["short", "long", 0x02],
  ["long", 0x04],
  ["blob"],
  [0x02, 0x14],
  [0x14],
  ["short", "name", "typeDefOrRef"],
  [0x02, 0x17],
  [0x17],
  ["short", "name", "blob"],
  ["short", 0x06, "hasSemantics"],
  [0x02, "methodDefOrRef", "methodDefOrRef"],
  ["name"],
  ["blob"],
  ["short", "memberForwarded", "name", 0x1a],
  ["long", 0x04],
  ["long", "long"],
  ["long"],
  ["long", "short", "short", "short", "short", "long", "blob", "name", "name"],
  ["long"],
  ["long", "long", "long"],
  ["short", "short", "short", "short", "long", "blob", "name", "name", "blob"],
  ["long", 0x23],
  ["long", "long", "long", 0x23],
  ["long", "name", "blob"],
  ["long", "long", "name", "name", "implementation"],
  ["long", "long", "name", "implementation"],
  [0x02, 0x02],
  ["short", "short", "typeOrMethodDef", "name"],
  ["methodDefOrRef", "blob"],
  [0x2a, "typeDefOrRef"],
];

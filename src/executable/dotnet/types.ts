// The types that a .NET program defines, with their methods. ECMA-335 part II §22.37 and §22.26.
// Types of parameters are left out: no rule was seen that asks for them.

import type { Metadata } from "./metadata.ts";
import { CODED, TABLE } from "./schema.ts";

const TYPES_MAX = 4096;
const METHODS_MAX = 32_768;
const NESTING_MAX = 16;

/** A method of a type. */
export interface ManagedMethod {
  readonly name: string;
  readonly flags: number;
  readonly parameters: readonly string[];
  readonly genericParameters: readonly string[];
}

/** A type: class or interface. */
export interface ManagedType {
  readonly name: string;
  readonly namespace: string;
  /** With the namespace and the types it lies in. */
  readonly fullName: string;
  readonly flags: number;
  readonly baseTypes: readonly string[];
  readonly genericParameters: readonly string[];
  readonly methods: readonly ManagedMethod[];
}

/** The types, but for the one that stands for the module itself. */
export function readTypes(metadata: Metadata): ManagedType[] {
  const owners = new Map<number, number>();
  for (let row = 1; row <= metadata.count(TABLE.nestedClass); row++) {
    owners.set(metadata.cell(TABLE.nestedClass, row, 0), metadata.cell(TABLE.nestedClass, row, 1));
  }
  const generics = genericParameters(metadata);
  const interfaces = interfacesOf(metadata);
  const room = { methods: METHODS_MAX };
  const types: ManagedType[] = [];
  const count = Math.min(metadata.count(TABLE.typeDef), TYPES_MAX);
  for (let row = 1; row <= count; row++) {
    const name = metadata.name(TABLE.typeDef, row, 1);
    if (name === "<Module>") continue;
    const extended = typeName(metadata, metadata.cell(TABLE.typeDef, row, 3));
    types.push({
      name: plain(name),
      namespace: metadata.name(TABLE.typeDef, row, 2),
      fullName: fullName(metadata, row, owners),
      flags: metadata.cell(TABLE.typeDef, row, 0),
      baseTypes: [extended, ...(interfaces.get(row) ?? [])].filter((one) => one !== ""),
      genericParameters: generics.get(row * 2) ?? [],
      methods: methodsOf(metadata, row, { generics, room }),
    });
  }
  return types;
}

// The number of generic parameters is part of the name in the file: List`1.
function plain(name: string): string {
  const mark = name.lastIndexOf("`");
  return mark < 0 ? name : name.slice(0, mark);
}

function fullName(metadata: Metadata, row: number, owners: ReadonlyMap<number, number>): string {
  const names: string[] = [];
  let at: number | undefined = row;
  for (let depth = 0; at !== undefined && depth < NESTING_MAX; depth++) {
    names.unshift(plain(metadata.name(TABLE.typeDef, at, 1)));
    const namespace = metadata.name(TABLE.typeDef, at, 2);
    if (namespace !== "") names.unshift(namespace);
    at = owners.get(at);
  }
  return names.join(".");
}

function typeName(metadata: Metadata, coded: number): string {
  const table = CODED.typeDefOrRef.tables[coded & 3];
  const row = coded >> 2;
  if (row === 0 || table === undefined || table === TABLE.typeSpec) return "";
  const namespace = metadata.name(table, row, 2);
  const name = plain(metadata.name(table, row, 1));
  return namespace === "" ? name : `${namespace}.${name}`;
}

// By owner: twice the row, and one more for methods, as the coded index has it.
function genericParameters(metadata: Metadata): Map<number, string[]> {
  const byOwner = new Map<number, string[]>();
  const count = Math.min(metadata.count(TABLE.genericParam), METHODS_MAX);
  for (let row = 1; row <= count; row++) {
    const owner = metadata.cell(TABLE.genericParam, row, 2);
    const names = byOwner.get(owner) ?? [];
    names.push(metadata.name(TABLE.genericParam, row, 3));
    byOwner.set(owner, names);
  }
  return byOwner;
}

function interfacesOf(metadata: Metadata): Map<number, string[]> {
  const byType = new Map<number, string[]>();
  const count = Math.min(metadata.count(TABLE.interfaceImpl), METHODS_MAX);
  for (let row = 1; row <= count; row++) {
    const type = metadata.cell(TABLE.interfaceImpl, row, 0);
    const names = byType.get(type) ?? [];
    names.push(typeName(metadata, metadata.cell(TABLE.interfaceImpl, row, 1)));
    byType.set(type, names);
  }
  return byType;
}

interface MethodSources {
  readonly generics: ReadonlyMap<number, string[]>;
  readonly room: { methods: number };
}

// A type's methods are those from its first to the next type's first; parameters likewise.
function methodsOf(metadata: Metadata, type: number, sources: MethodSources): ManagedMethod[] {
  const [from, to] = listRange(
    metadata,
    { table: TABLE.typeDef, row: type, column: 5 },
    TABLE.method,
  );
  const methods: ManagedMethod[] = [];
  for (let row = from; row < to && sources.room.methods > 0; row++) {
    sources.room.methods--;
    const [first, end] = listRange(metadata, { table: TABLE.method, row, column: 5 }, TABLE.param);
    const parameters: string[] = [];
    for (let at = first; at < end && parameters.length < 256; at++) {
      // Sequence 0 is what the method returns.
      if (metadata.cell(TABLE.param, at, 1) > 0) parameters.push(metadata.name(TABLE.param, at, 2));
    }
    methods.push({
      name: metadata.name(TABLE.method, row, 3),
      flags: metadata.cell(TABLE.method, row, 2),
      parameters,
      genericParameters: sources.generics.get(row * 2 + 1) ?? [],
    });
  }
  return methods;
}

function listRange(
  metadata: Metadata,
  cell: { table: number; row: number; column: number },
  target: number,
): [from: number, to: number] {
  const { table, row, column } = cell;
  const from = metadata.cell(table, row, column);
  const isLast = row >= metadata.count(table);
  const end = isLast ? Infinity : metadata.cell(table, row + 1, column);
  return [from, Math.min(metadata.count(target) + 1, end)];
}

// Variables that public rule sets expect from the program that runs them. In mail they can only come
// from the attachment's name and type.
import type { JudgeContext, Subject } from "../context.ts";

function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? "" : name.slice(dot).toLowerCase();
}

function known(name: string, subject: Subject): string | undefined {
  switch (name) {
    case "filename":
      return subject.name.split(/[\\/]/).at(-1) ?? "";
    case "filepath":
      return subject.name;
    case "extension":
      // With its dot, as the sets compare it.
      return extensionOf(subject.name);
    case "filetype":
      return subject.type.toUpperCase();
    case "owner":
      return "";
    default:
      return;
  }
}

/** The value of a variable, one character per byte of its UTF-8. */
export function externalOf(
  name: string,
  { externals, subject }: JudgeContext,
): string | number | boolean | undefined {
  const value = Object.hasOwn(externals, name) ? externals[name] : known(name, subject);
  return typeof value === "string" ? Buffer.from(value, "utf8").toString("latin1") : value;
}

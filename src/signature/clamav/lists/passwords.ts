// Lines of .pwdb files, `Name;Attributes;0|1;password`: passwords that archives of malware are locked
// with. ClamAV tries them on the kind of archive that the attributes name; gw tries all on all.
import { SourceError } from "../../source.ts";
import { parseAttributes } from "../attributes.ts";
import { checkCount, type Field, nameOf } from "../report.ts";

const PASSWORD_MAX = 64;
const FIELDS = 4;

/** The password of a line, and the name that an ignore list knows it by. */
export interface NamedPassword {
  readonly name: string;
  readonly password: string;
}

// What follows the third separator is the password, whatever it holds.
function split(line: string, number: number): Field[] {
  const fields: Field[] = [];
  let from = 0;
  for (let count = 1; count < FIELDS; count++) {
    const at = line.indexOf(";", from);
    if (at < 0) break;
    fields.push({ text: line.slice(from, at), line: number, column: from + 1 });
    from = at + 1;
  }
  fields.push({ text: line.slice(from), line: number, column: from + 1 });
  return fields;
}

/** Reads one line; throws SourceError, or UnsupportedError for what is for other engines. */
export function readPasswordLine(line: string, number: number): NamedPassword {
  const fields = split(line, number);
  checkCount(fields.length, { min: FIELDS, max: FIELDS }, { line: number, column: 1 });
  const [name, attributes, form, text] = fields as [Field, Field, Field, Field];
  // Here a target need not be named.
  const hasTarget = /(?:^|,)Target:/.test(attributes.text);
  const all = hasTarget ? attributes.text : [attributes.text, "Target:0"].filter(Boolean).join(",");
  parseAttributes({ ...attributes, text: all });
  const password = passwordOf(form, text);
  if (password === "" || password.length > PASSWORD_MAX) {
    throw new SourceError("bad password", text, `1 to ${PASSWORD_MAX} characters`);
  }
  return { name: nameOf(name), password };
}

function passwordOf(form: Field, text: Field): string {
  if (form.text === "0") return Buffer.from(text.text, "latin1").toString("utf8");
  if (form.text !== "1") throw new SourceError("bad form of the password", form, "0 or 1");
  if (text.text.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(text.text)) {
    throw new SourceError("this is no hex", text, "pairs of hex digits");
  }
  return Buffer.from(text.text, "hex").toString("utf8");
}

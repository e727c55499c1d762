// Judges signatures of container metadata: by the name of an entry and how it lies in its container.
import type { NumberRange } from "../../gwdb/clamav-judgement.ts";
import type { EntryJudgement } from "../../gwdb/entry-judgement.ts";
import { compileRegex } from "../../regex/regex.ts";
import type { Regex } from "../../regex/types.ts";
import type { Judge } from "./context.ts";

/** Compiled expressions that one judge keeps. */
const CACHE_MAX = 5000;

const isWithin = (value: number, range: NumberRange | undefined) =>
  range === undefined || (value >= range.min && value <= range.max);

/** Makes a judge, which keeps the expressions that it has compiled. */
export function createEntryJudge(): Judge<EntryJudgement> {
  const compiled = new Map<string, Regex>();
  const regexOf = (source: string) => {
    const known = compiled.get(source);
    if (known !== undefined) return known;
    const regex = compileRegex(Buffer.from(source, "latin1"), { dialect: "posix", flags: "" });
    if (compiled.size >= CACHE_MAX) compiled.clear();
    compiled.set(source, regex);
    return regex;
  };
  return (judgement, { subject, spend }) => {
    const { entry, name } = subject;
    if (entry === undefined) return { isMatch: false, offset: -1 };
    const size = entry.closedSize ?? subject.bytes.length;
    const { isEncrypted = entry.isEncrypted === true } = judgement;
    const isInPlace =
      isWithin(entry.containerSize, judgement.containerSize) &&
      isWithin(entry.position, judgement.position) &&
      isWithin(size, judgement.size) &&
      isWithin(entry.packedSize ?? size, judgement.packedSize) &&
      isEncrypted === (entry.isEncrypted === true);
    if (!isInPlace || judgement.name === undefined) return { isMatch: isInPlace, offset: -1 };
    const found = regexOf(judgement.name).exec(Buffer.from(name, "utf8"), 0, { spend });
    return found === "unfinished" ? found : { isMatch: found !== null, offset: -1 };
  };
}

// How a DNS list is written down: `ZONE[=ANSWERS][*WEIGHT]`.
import { isDomain } from "../../base/endpoint.ts";
import { IpRanges } from "../../base/ip-range.ts";

/** One list, and what its word weighs. */
export interface DnsList {
  readonly zone: string;
  /** Answers that count, as an address or a network of 127.0.0.0/8; "": all. */
  readonly answers: string;
  /** Negative for lists that vouch. */
  readonly weight: number;
}

const WEIGHT_MAX = 1000;

/** A list of `ZONE[=ANSWERS][*WEIGHT]`; undefined if it is none. */
export function parseDnsList(text: string): DnsList | undefined {
  const [, zone = "", answers = "", weight = "1"] =
    /^([^=*\s]+)(?:=([\d./]+))?(?:\*(-?\d{1,4}))?$/.exec(text) ?? [];
  const value = Number(weight);
  if (!isDomain(zone) || value === 0 || Math.abs(value) > WEIGHT_MAX) return undefined;
  return isAnswer(answers) ? { zone, answers, weight: value } : undefined;
}

/** The answers of a list that count; throws if they are no range. */
export function rangeOf(answers: string): IpRanges {
  return new IpRanges([answers.includes("/") ? answers : `${answers}/32`]);
}

function isAnswer(answers: string): boolean {
  try {
    return answers === "" || (answers.startsWith("127.") && rangeOf(answers) !== undefined);
  } catch {
    // It is no address; whoever wrote it is told what is expected.
    return false;
  }
}

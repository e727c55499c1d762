// The comparisons of conditions, of gw's own signatures and of YARA's alike.

/** Comparisons as they are written. */
export type Comparison = "<" | "<=" | ">" | ">=" | "==" | "!=";

/** Whether a comparison holds, of numbers or of texts. An integer may be a number or a bigint. */
export function compares<T extends number | bigint | string>(
  operator: Comparison,
  left: T,
  right: T,
): boolean {
  switch (operator) {
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
    case "==":
      // biome-ignore lint/suspicious/noDoubleEquals: 1n equals 1
      return left == right;
    case "!=":
      // biome-ignore lint/suspicious/noDoubleEquals: 1n equals 1
      return left != right;
    default:
      return operator satisfies never;
  }
}

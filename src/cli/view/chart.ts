// Small pictures made of characters.

const STEPS = "▁▂▃▄▅▆▇█";
const PLAIN_STEPS = "_.-=+*#@";

/** Numbers as a row of bars of different height; the highest is the tallest. */
export function sparkline(values: readonly number[], isPlain = false): string {
  const steps = isPlain ? PLAIN_STEPS : STEPS;
  const most = Math.max(1, ...values);
  return values
    .map((value) => steps[Math.min(steps.length - 1, Math.floor((value / most) * steps.length))])
    .join("");
}

/** `1234` as `1.2k`: four characters at most up to a billion. */
export function shortNumber(value: number): string {
  const units = ["", "k", "M", "G", "T"];
  let rest = value;
  let unit = 0;
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  if (unit === 0) return String(Math.round(rest * 10) / 10);
  return `${rest < 10 ? rest.toFixed(1) : Math.floor(rest)}${units[unit]}`;
}

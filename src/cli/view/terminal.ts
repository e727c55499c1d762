// What a command sees of the outside: output, errors, and whether a person is looking.
import { colors } from "consola/utils";

/** Colours with a meaning; each text stays readable without its colour. */
const PAINTS = {
  good: "green",
  bad: "red",
  warn: "yellow",
  faint: "gray",
  strong: "bold",
} as const;

/** A meaning that is shown by colour. */
export type Paint = keyof typeof PAINTS;

/** Standard output and standard error of a command. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Bytes on standard output; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Standard error is a terminal: progress may be shown on it. */
  readonly isWatched: boolean;
  /** Columns of the terminal. */
  readonly columns: number;
  /** The text in a colour, if standard output takes colours. */
  paint(paint: Paint, text: string): string;
}

const COLUMNS_DEFAULT = 80;

/** https://no-color.org: any value that is not empty turns colours off. */
function takesColours(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR = "" } = process.env;
  return moves(stream) && NO_COLOR === "";
}

// A terminal that understands more than lines of text.
function moves(stream: NodeJS.WriteStream): boolean {
  const { TERM = "dumb" } = process.env;
  return stream.isTTY === true && TERM !== "dumb";
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const isColoured = takesColours(process.stdout);
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    write: (bytes) => new Promise((resolve) => process.stdout.write(bytes, () => resolve())),
    isTerminal: process.stdout.isTTY === true,
    isWatched: moves(process.stderr),
    columns: process.stderr.columns ?? COLUMNS_DEFAULT,
    paint: (paint, text) => (isColoured ? colors[PAINTS[paint]](text) : text),
  };
}

// One line per event, for people (`time level event key=value …`) or as JSON. Never throws, never
// blocks on a reader: a log that can't be written must not stop mail.

/** Levels, gravest first. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values of a log line; undefined ones are left out. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Writes events. `event` is a short fixed name such as `received`; details go into fields. */
export interface Log {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
}

/** Where and how much to log. */
export interface LogOptions {
  /** The least grave level that is written; asked for each line, since it may change. */
  readonly level: () => LogLevel;
  readonly format: "text" | "json" | ((entry: LogEntry) => string);
  /** Takes a line with its end. */
  readonly write: (line: string) => void;
  /** Told of what is written, for another reader. */
  readonly also?: (entry: LogEntry) => void;
  readonly now: () => number;
}

/** One event as it is written. `at` is in milliseconds since the epoch. */
export interface LogEntry {
  readonly at: number;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

// Control and format characters, line separators, halves of pairs: what could forge a line, colour a
// terminal or turn a text round. Values come from strangers.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A text in which nothing is left that acts upon a terminal or ends a line. */
export function visible(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** A value as it stands in a line of words. */
export function quoted(value: string | number | boolean | null): string {
  if (typeof value !== "string") return String(value);
  return /^[\w.@:/<>+\-[\]]+$/.test(value) ? value : visible(JSON.stringify(value));
}

function textLine({ at, level, event, fields }: LogEntry): string {
  let line = `${new Date(at).toISOString()} ${level.padEnd(5)} ${event}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${key}=${quoted(value)}`;
  }
  return line;
}

function jsonLine({ at, level, event, fields }: LogEntry): string {
  const line = JSON.stringify({ time: new Date(at).toISOString(), level, event, ...fields });
  // What JSON leaves as it is; pairs of surrogates are the only form it has for the rest.
  return line.replace(UNSAFE, (char) =>
    char
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** A log that writes lines of at least `options.level`. */
export function createLog(options: LogOptions): Log {
  const { format } = options;
  const line = format === "json" ? jsonLine : format === "text" ? textLine : format;
  const writer = (level: LogLevel, rank: number) => (event: string, fields?: LogFields) => {
    if (rank > LOG_LEVELS.indexOf(options.level())) return;
    const entry = { at: options.now(), level, event, fields: fields ?? {} };
    options.write(`${line(entry)}\n`);
    options.also?.(entry);
  };
  const [error, warn, info, debug] = LOG_LEVELS.map(writer) as [
    Log["error"],
    Log["warn"],
    Log["info"],
    Log["debug"],
  ];
  return { error, warn, info, debug };
}

/** Hears every event that is logged, whatever its level; it must not throw. */
export interface LogObserver {
  note(event: string, fields: LogFields, level: LogLevel): void;
}

/** A log that tells observers first. They hear what the level keeps out of the log, too. */
export function observedLog(log: Log, observers: readonly LogObserver[]): Log {
  const [error, warn, info, debug] = LOG_LEVELS.map(
    (level) =>
      (event: string, fields: LogFields = {}) => {
        for (const observer of observers) observer.note(event, fields, level);
        log[level](event, fields);
      },
  ) as [Log["error"], Log["warn"], Log["info"], Log["debug"]];
  return { error, warn, info, debug };
}

/** A log that keeps nothing, for tests and short commands. */
export const silentLog: Log = { error() {}, warn() {}, info() {}, debug() {} };

/** An error and its causes in one line, for `cause` fields. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  for (let current = error; current !== undefined && parts.length < 5; ) {
    parts.push(current instanceof Error ? current.message : String(current));
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(": ");
}

// Where a running gateway's log goes: standard output or a file, and a log host beside it; and the
// lines about scanned objects.

import { createLog, type Log, type LogEntry, type LogLevel } from "../base/log.ts";
import { cefLine } from "../base/output/cef.ts";
import { classicLine } from "../base/output/classic.ts";
import { type LineSink, openSink } from "../base/output/sink.ts";
import { hostnameOf } from "../config/names.ts";
import type { Config } from "../config/schema.ts";
import type { Settled } from "../pipeline/trail.ts";
import { objectLines } from "./object-lines.ts";

/** How the log is opened. */
export interface OutletOptions {
  /** Asked for each line, since it may change. */
  readonly level: () => LogLevel;
  /** Standard output, used if no file is configured. */
  readonly out: (text: string) => void;
}

/** All outlets of one gateway. */
export class Outlets {
  readonly log: Log;
  readonly #sinks: LineSink[] = [];
  readonly #objects: LineSink | undefined;

  /** Throws, with its name, what can't be opened. */
  constructor(config: Config, { level, out }: OutletOptions) {
    const open = (place: string) => {
      const sink = place === "" ? undefined : openSink(place);
      if (sink !== undefined) this.#sinks.push(sink);
      return sink;
    };
    const file = open(config["log.file"]);
    const syslog = open(config["log.syslog"]);
    this.#objects = open(config["log.objects"]);
    const hostname = hostnameOf(config);
    const format = config["log.format"];
    this.log = createLog({
      ...{ level, now: () => Date.now() },
      format: format === "classic" ? classicLine : format,
      write: file === undefined ? out : (line) => file.write(line.replace(/\n$/, "")),
      ...(syslog !== undefined && {
        also: (entry: LogEntry) => syslog.write(cefLine(entry, hostname)),
      }),
    });
  }

  /** Writes the lines about a message's objects, if they are wanted. */
  readonly objects = (message: Settled): void => {
    const sink = this.#objects;
    if (sink === undefined) return;
    for (const line of objectLines(message, Date.now())) sink.write(line);
  };

  /** Opens files anew: SIGUSR1, after log rotation. */
  reopen(): void {
    for (const sink of this.#sinks) sink.reopen();
  }

  close(): void {
    for (const sink of this.#sinks) sink.close();
  }
}

// The compiled binary as a process: its configuration, start, kill and restart on one data folder.
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Running, runCommand, startProcess, stopProcess, waitForGreeting } from "./process.ts";

/** Where `npm run build` puts the binary; GW_BINARY names another one. */
export function gatewayPath(): string {
  const { GW_BINARY = "dist/gw" } = process.env;
  return resolve(GW_BINARY);
}

/** The binary's path; an Error that says what to do if it has not been built. */
export function gatewayBinary(): string {
  const binary = gatewayPath();
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run "npm run build" first`);
  return binary;
}

/** Values as TOML knows them. */
export type SettingValue = string | number | boolean | readonly string[];

/** What a gateway for a script is made of. */
export interface GatewaySetting {
  readonly dataFolder: string;
  readonly port: number;
  /** Port of 127.0.0.1 that all mail is relayed to. */
  readonly nextHopPort: number;
  /** More settings by their full key; they win over those made here. */
  readonly settings?: Readonly<Record<string, SettingValue>>;
}

/** The configuration file: keys with dots, which TOML reads as sections. */
export function gatewayConfig(options: GatewaySetting): string {
  const settings: Record<string, SettingValue> = {
    "server.hostname": "gw.example.net",
    "server.data_dir": resolve(options.dataFolder),
    "inbound.listen": [`127.0.0.1:${options.port}`],
    "inbound.relay_networks": ["127.0.0.0/8"],
    "outbound.routes": [`* [127.0.0.1]:${options.nextHopPort}`],
    "log.level": "warn",
    ...options.settings,
  };
  // A TOML string and a JSON string are written alike, and so are lists of them.
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return `${lines.join("\n")}\n`;
}

/** The command line of a gateway that stays in the foreground. */
export function gatewayCommand(binary: string, configFile: string): string[] {
  return [binary, "serve", "--config", configFile];
}

/** A gateway that can be started again and again on the same data. */
export class GatewayProcess {
  readonly #options: GatewaySetting;
  readonly #binary: string;
  readonly configFile: string;
  readonly logFile: string;
  #running: Running | undefined;

  /** `folder` takes the configuration and the log. */
  constructor(folder: string, options: GatewaySetting) {
    this.#options = options;
    this.#binary = gatewayBinary();
    this.configFile = join(folder, "gw.toml");
    this.logFile = join(folder, "gw.log");
    writeFileSync(this.configFile, gatewayConfig(options));
  }

  /** The process that runs now, if there is one. */
  get running(): Running | undefined {
    return this.#running?.hasExited() === false ? this.#running : undefined;
  }

  /** Starts the process without waiting for it. */
  spawn(): Running {
    this.#running = startProcess({
      name: "gw",
      command: gatewayCommand(this.#binary, this.configFile),
      logFile: this.logFile,
    });
    return this.#running;
  }

  /** Starts the process and waits until it greets. */
  async start(): Promise<Running> {
    const running = this.spawn();
    await waitForGreeting(this.#options.port, running);
    return running;
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#running?.signal("SIGKILL");
    await this.#running?.exited;
  }

  /** Ends it as a service manager would. */
  async stop(): Promise<void> {
    if (this.#running !== undefined) await stopProcess(this.#running);
  }

  /** Runs a command of the binary with this gateway's configuration. */
  command(...words: readonly string[]): ReturnType<typeof runCommand> {
    return runCommand([this.#binary, ...words, "--config", this.configFile]);
  }
}

// File systems of a script's own: small ones to fill, and some to break. Needs root.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./process.ts";

/** A mounted file system that this run made. */
export interface Disk {
  readonly folder: string;
  unmount(): Promise<void>;
}

/** Runs a command; an Error with what it said if it fails. */
export async function must(...command: readonly string[]): Promise<void> {
  const { code, stderr } = await runCommand(command);
  if (code !== 0) throw new Error(`${command.join(" ")}: ${stderr.trim()}`);
}

/** Mounts a file system on a folder, until it is unmounted or the script ends. */
export async function mounted(folder: string, ...how: readonly string[]): Promise<Disk> {
  mkdirSync(folder, { recursive: true });
  await must("mount", ...how, folder);
  const leave = () => Bun.spawnSync(["umount", "--lazy", folder]);
  process.on("exit", leave);
  const unmount = async () => {
    await must("umount", folder);
    process.off("exit", leave);
  };
  return { folder, unmount };
}

/** Whether mounting is permitted; says so if not. */
export async function canMount(folder: string): Promise<boolean> {
  try {
    const disk = await mounted(join(folder, "probe"), "-t", "tmpfs", "-o", "size=1m", "tmpfs");
    await disk.unmount();
    return true;
  } catch (error) {
    process.stdout.write(`skipped, mounting is not permitted (${error})\n`);
    return false;
  }
}

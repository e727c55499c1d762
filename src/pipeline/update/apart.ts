// An update in a process of its own: gw as a command, with the low priority that it gives itself. A
// gateway is busy with mail; to fetch, verify, compile and try large sets in it would make mail wait.
import { fileURLToPath } from "node:url";
import { describeError } from "../../base/log.ts";
import type { UpdateReport } from "./outcome.ts";

/** What is updated, and with which configuration. */
export interface ApartOrder {
  readonly configFile: string;
  /** Names of feeds. */
  readonly feeds: readonly string[];
  readonly signal: AbortSignal;
}

/** How it ended. */
export type ApartEnd =
  | { readonly kind: "done"; readonly report: UpdateReport }
  /** Another update is under way. */
  | { readonly kind: "busy"; readonly cause: string }
  | { readonly kind: "failed"; readonly cause: string }
  /** There is no process to be had here. */
  | { readonly kind: "no process"; readonly cause: string };

const TIME_MAX_MS = 2 * 3_600_000;
const OUTPUT_SIZE_MAX = 16 * 1024 * 1024;
const CAUSE_LENGTH_MAX = 500;

/** What starts this program once more. */
export function ownCommand(): readonly string[] {
  const here = import.meta.url;
  if (here.includes("/$bunfs/")) return [process.execPath];
  return [process.execPath, fileURLToPath(new URL("../../main.ts", here))];
}

/** What the command has printed, as far as it is one of its answers. */
function endOf(printed: string, complaint: string, code: number): ApartEnd {
  const cause = complaint.trim().slice(0, CAUSE_LENGTH_MAX) || `gw update ended with ${code}`;
  try {
    const answer = JSON.parse(printed) as UpdateReport | { readonly error: { kind: string } };
    if ("error" in answer) {
      return { kind: answer.error.kind === "refused" ? "busy" : "failed", cause };
    }
    if (Array.isArray(answer.outcomes)) return { kind: "done", report: answer };
  } catch {
    // It ended before it had one.
  }
  return { kind: "failed", cause };
}

/** Updates feeds; never rejects. What is new is on disk then, and in use by a gateway that runs. */
export async function updateApart(
  { configFile, feeds, signal }: ApartOrder,
  command: readonly string[] = ownCommand(),
): Promise<ApartEnd> {
  try {
    const child = Bun.spawn([...command, "update", ...feeds, "--json", "--config", configFile], {
      ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
      ...{ signal, killSignal: "SIGTERM", timeout: TIME_MAX_MS, maxBuffer: OUTPUT_SIZE_MAX },
    });
    const [printed, complaint, code] = await Promise.all([
      ...[child.stdout.text(), child.stderr.text(), child.exited],
    ] as const);
    return endOf(printed, complaint, code);
  } catch (error) {
    return { kind: "no process", cause: describeError(error) };
  }
}

// The administrator's command after an update. It is started by an update and by nothing in any mail,
// without a shell, and ended when its time is over.
const OUTPUT_MAX = 2_000;
const ENV_KEPT = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME"];

/** Runs it; gives why it failed, "" if it did not. */
export async function runPostCommand(
  command: readonly string[],
  feeds: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const kept = ENV_KEPT.map((name) => [name, process.env[name]] as const);
  const env = Object.fromEntries(kept.filter(([, value]) => value !== undefined));
  let child: ReturnType<typeof start>;
  try {
    child = start(command, { ...env, GW_FEEDS: feeds.join(" ") });
  } catch (error) {
    return `${command[0]} can't be started: ${(error as Error).message}`;
  }
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // The whole group: what it started goes with it.
    end(child.pid);
  }, timeoutMs);
  try {
    const [code, said] = await Promise.all([child.exited, headOf(child.stderr, timeoutMs)]);
    if (isLate) return `${command[0]} took longer than ${Math.round(timeoutMs / 1000)} s`;
    if (code === 0) return "";
    return `${command[0]} ended with ${code}${said === "" ? "" : `: ${said}`}`;
  } finally {
    clearTimeout(timer);
  }
}

function start(command: readonly string[], env: Record<string, string | undefined>) {
  return Bun.spawn([...command], {
    env,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    detached: true,
  });
}

function end(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

/** The beginning of what it says; a grandchild that keeps the pipe open is not waited for. */
async function headOf(stream: ReadableStream<Uint8Array>, timeoutMs: number): Promise<string> {
  let text = "";
  const reader = stream.getReader();
  const timer = setTimeout(() => void reader.cancel(), timeoutMs);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (text.length < OUTPUT_MAX) text += Buffer.from(value).toString("utf8");
    }
  } finally {
    clearTimeout(timer);
  }
  return text.slice(0, OUTPUT_MAX).trim();
}

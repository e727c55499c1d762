// Reads a password: from a person without showing it, from anything else as one line.
import { CliError } from "../../command.ts";

const PASSWORD_MAX = 1024;
const CANCEL = ["\u0003", "\u0004"];

async function firstLine(): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of Bun.stdin.stream()) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n") || text.length > PASSWORD_MAX) break;
  }
  return text.split(/\r?\n/, 1)[0] ?? "";
}

// A terminal that does not show what is typed.
function typed(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.resume();
  return new Promise((resolve, reject) => {
    let text = "";
    const onData = (chunk: string) => {
      for (const character of chunk) {
        if (character === "\r" || character === "\n") return finish(() => resolve(text));
        if (CANCEL.includes(character)) return finish(() => reject(new CliError("given up")));
        text = character === "\u007f" || character === "\b" ? text.slice(0, -1) : text + character;
      }
    };
    const finish = (end: () => void) => {
      stdin.off("data", onData);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write("\n");
      end();
    };
    stdin.on("data", onData);
  });
}

/** The password, asked for twice of a person if `isNew`; throws CliError if there is none. */
export async function readPassword(isNew: boolean): Promise<string> {
  const isPerson = process.stdin.isTTY === true;
  const password = isPerson ? await typed("Password: ") : await firstLine();
  if (password === "") throw new CliError("no password: write it to standard input, as one line");
  if (password.length > PASSWORD_MAX) throw new CliError("the password is too long");
  if (isPerson && isNew && (await typed("Once more: ")) !== password) {
    throw new CliError("the two are not alike");
  }
  return password;
}

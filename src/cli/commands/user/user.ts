// `gw user …`: the file of users who may log in. A running gateway reads it again by itself.
import { chownSync, readFileSync, statSync } from "node:fs";
import { writeAtomically } from "../../../base/file/atomic-file.ts";
import { describeError } from "../../../base/log.ts";
import { loadConfig } from "../../../config/load.ts";
import {
  hashPassword,
  isUserAddress,
  isUserName,
  readUsers,
  type User,
  UsersFile,
  withUser,
} from "../../../inbound/login/users.ts";
import { printable } from "../../../text/printable.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { configFile } from "../../config-file.ts";
import { drawTable } from "../../view/table.ts";
import { readPassword } from "./password.ts";

const PLACE = {
  file: { type: "string", valueHint: "FILE", description: "file of users; else login.users_file" },
  config: OPTIONS.config,
} as const;
const HEAD = "# Users who may log in: name:hash:addresses. Kept with gw user.\n";

interface Where {
  readonly file?: string | undefined;
  readonly config?: string | undefined;
}

// The command line is checked before: there is one.
const nameOf = ({ _: [name = ""] }: { readonly _: readonly string[] }) => name;

function fileOf({ file, config }: Where): string {
  const found = file ?? loadConfig(configFile(config))["login.users_file"];
  if (found === "") throw new CliError("no file of users: set login.users_file or give --file");
  return found;
}

function usersIn(file: string, isNewFine = false): ReadonlyMap<string, User> {
  if (isNewFine && statSync(file, { throwIfNoEntry: false }) === undefined) return new Map();
  try {
    return readUsers(file);
  } catch (error) {
    throw new CliError(describeError(error), { cause: error });
  }
}

// Only the line of this user changes: comments, blank lines and the order are somebody's work. The
// file stays its owner's: the gateway, which need not be who types this, has to read it.
function save(file: string, name: string, user: User | undefined): void {
  const before = statSync(file, { throwIfNoEntry: false });
  try {
    const text = before === undefined ? HEAD : readFileSync(file, "utf8");
    const changed = withUser(text, name, user);
    writeAtomically(file, changed, before === undefined ? 0o600 : before.mode & 0o777);
    const isOther = before !== undefined && process.getuid?.() === 0;
    if (isOther) chownSync(file, before.uid, before.gid);
  } catch (error) {
    throw new CliError(`${printable(file)}: ${describeError(error)}`, { cause: error });
  }
}

function known(users: ReadonlyMap<string, User>, name: string, file: string): User {
  const user = users.get(name.toLowerCase());
  if (user === undefined) throw new CliError(`no user ${printable(name)} in ${printable(file)}`);
  return user;
}

/** `gw user add` */
export const add = command(
  {
    address: {
      type: "string",
      valueHint: "LIST",
      description: "addresses the user may send as, with commas between them",
    },
    ...PLACE,
  },
  async (args, terminal) => {
    const file = fileOf(args);
    const name = nameOf(args);
    if (!isUserName(name)) throw new CliError("a name has no spaces, colons and commas");
    const users = usersIn(file, true);
    const before = users.get(name.toLowerCase());
    const given = args.address?.split(",").filter((each) => each !== "");
    const wrong = given?.find((each) => !isUserAddress(each));
    if (wrong !== undefined) throw new CliError(`not an address: ${printable(wrong)}`);
    const hash = await hashPassword(await readPassword(true));
    const addresses = given ?? before?.addresses ?? [];
    save(file, name, { name: before?.name ?? name, hash, addresses });
    terminal.out(`${before === undefined ? "added" : "changed"} ${printable(name)} in ${file}\n`);
    return EXIT.good;
  },
);

/** `gw user remove` */
export const remove = command(PLACE, (args, terminal) => {
  const file = fileOf(args);
  const users = usersIn(file);
  const { name } = known(users, nameOf(args), file);
  save(file, name, undefined);
  terminal.out(`removed ${printable(name)} from ${file}\n`);
  return EXIT.good;
});

/** `gw user list` */
export const list = command({ json: OPTIONS.json, ...PLACE }, (args, terminal) => {
  const users = [...usersIn(fileOf(args)).values()];
  if (args.json === true) {
    for (const { name, addresses } of users) {
      terminal.out(`${JSON.stringify({ name, addresses })}\n`);
    }
    return EXIT.good;
  }
  const rows = users.map(({ name, addresses }) => [printable(name), addresses.join(", ")]);
  terminal.out(
    users.length === 0
      ? "no users\n"
      : drawTable(terminal, [{ title: "NAME" }, { title: "ADDRESSES" }], rows),
  );
  return EXIT.good;
});

/** `gw user check` */
export const check = command(PLACE, async (args, terminal) => {
  const file = fileOf(args);
  known(usersIn(file), nameOf(args), file);
  const users = new UsersFile(file, () => {});
  const isRight = (await users.check(nameOf(args), await readPassword(false))) !== undefined;
  terminal.out(isRight ? "right\n" : "wrong\n");
  return isRight ? EXIT.good : EXIT.found;
});

// `gw feed sign`: a signature for a draft, wherever the key is.
import { printable } from "../../../text/printable.ts";
import { viewFile } from "../../../update/publish/inspect.ts";
import { shortId } from "../../../update/publish/keys.ts";
import { signDraft } from "../../../update/publish/sign.ts";
import { CliError, command, EXIT } from "../../command.ts";
import { explained, KEY_OPTIONS, keysOf } from "./common.ts";
import { describeDocument } from "./describe.ts";

/** `gw feed sign` */
export const sign = command(
  { ...KEY_OPTIONS, show: { type: "boolean", description: "only show what would be signed" } },
  async (args, terminal) => {
    const path = args._[0] ?? "";
    return await explained(() => {
      // Whoever signs should see what.
      describeDocument(terminal, viewFile(path), Date.now());
      if (args.show === true) return EXIT.good;
      if (args.keys === undefined) throw new CliError("--keys names the key to sign with");
      const { ring, sealed } = keysOf(args);
      if (sealed.length > 0) {
        throw new CliError(`${sealed.join(", ")}: sealed; --passphrase-file opens it`);
      }
      const by = signDraft(path, ring);
      terminal.out(`signed with ${by.map(shortId).join(", ")}: ${printable(path)}\n`);
      return EXIT.good;
    });
  },
);

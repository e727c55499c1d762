// The vault of a running gateway as a re-scan sees it: what is kept, and the way out of it.
import type { Clock } from "../../../base/clock.ts";
import type { MessageIds } from "../../../base/message-id.ts";
import type { Policy } from "../../../policy/policy.ts";
import type { Store } from "../../../store/store.ts";
import { Vault } from "../../../vault/vault.ts";
import type { Inspector } from "../../inspection/inspector.ts";
import { release } from "../../vault/release.ts";
import type { RescanParts } from "./rescan.ts";

/** What releases are made with. */
export interface KeptMailParts {
  readonly store: Store;
  readonly inspector: Inspector;
  readonly policy: () => Policy;
  readonly ids: MessageIds;
  readonly clock: Clock;
  readonly hostname: string;
  /** Address of whoever answers for the gateway. */
  readonly from: string;
}

/** Whose name stands on what gw does to the vault by itself. */
const WHO = "gw (after an update)";

/** Kept mail, and how it is released: scanned once more, as policy has it. */
export function keptMail(parts: KeptMailParts): Pick<RescanParts, "vault" | "release"> {
  const { store, inspector, policy, ids, clock, hostname, from } = parts;
  const vault = new Vault(store);
  return {
    vault,
    release: (id, reason) => {
      const exemptions = () => store.exemptions.active(clock.now());
      const check = { inspector, policy: policy(), exemptions };
      const how = { vault, releases: store.releases, nextId: () => ids.next(), hostname, from };
      const form = { kind: "message" } as const;
      return release({ ...how, check }, { id, form, who: WHO, reason, at: clock.now() });
    },
  };
}

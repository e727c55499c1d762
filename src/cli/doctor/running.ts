// What `gw doctor` asks the gateway that runs, or finds where one should: ports, signatures, queue.
import { existsSync } from "node:fs";
import { connect } from "node:net";
import type { Status } from "../../admin/protocol.ts";
import { parseListenPlace } from "../../base/endpoint.ts";
import { describeError } from "../../base/log.ts";
import type { Config } from "../../config/schema.ts";
import { Store } from "../../store/store.ts";
import { roundDuration } from "../../text/units.ts";
import { counted } from "../view/table.ts";
import { type Finding, findingsAbout } from "./finding.ts";

/** A port that does not answer by then is taken for closed. */
const CONNECT_MS = 3_000;
/** Mail that waits longer is worth a look: most hosts that are down come back within hours. */
const QUEUE_AGE_MS = 4 * 3_600_000;

/** True if somebody accepts connections there. */
async function answers(address: string, port: number): Promise<boolean> {
  const any: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  return await new Promise<boolean>((resolve) => {
    const socket = connect({ host: any[address] ?? address, port });
    const end = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.setTimeout(CONNECT_MS, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

/** Ports: open if gw runs, free if not. */
export async function checkPorts(
  config: Config,
  status: Status | undefined,
): Promise<readonly Finding[]> {
  const { ok, fail, warn } = findingsAbout("ports");
  const wanted = [...config["inbound.listen"], ...config.listener.flatMap(({ listen }) => listen)];
  const names = status?.listen ?? wanted;
  const findings =
    status === undefined ? [warn("gw does not run", "start it: gw service status")] : [];
  for (const name of names) {
    const place = parseListenPlace(name);
    if (place?.kind !== "tcp" || place.port === 0) continue;
    const isOpen = await answers(place.address, place.port);
    if (status === undefined) {
      const other =
        "another program listens there; stop it, or choose another port (inbound.listen)";
      findings.push(isOpen ? fail(`${name} is taken`, other) : ok(`${name} is free`));
    } else {
      const remedy = "look at a firewall of this host, and at inbound.sessions_max";
      findings.push(isOpen ? ok(`${name} answers`) : fail(`${name} does not answer`, remedy));
    }
  }
  return findings;
}

/** What the gateway itself is worried about, pauses, and its signatures with their feeds. */
export function checkStatus(status: Status | undefined): readonly Finding[] {
  if (status === undefined) return [];
  const { paused, signatures, warnings } = status;
  const pauses = findingsAbout("stages");
  const { ok, fail, warn } = findingsAbout("signatures");
  const own = signatures.count === 0 ? fail("none", "gw reload; look at the log") : undefined;
  return [
    paused.length === 0
      ? pauses.ok("nothing is paused")
      : pauses.fail(`paused: ${paused.join(", ")}`, "gw resume all"),
    own ?? ok(`${signatures.count} (${signatures.identity})`),
    ...warnings.map((each) => warn(each, "gw update status tells more")),
  ];
}

/** The age of the oldest mail that waits. */
export async function checkQueue(config: Config, now: number): Promise<Finding> {
  const { ok, warn, unknown } = findingsAbout("queue");
  let store: Store | undefined;
  try {
    store = Store.attach(config["server.data_dir"]);
    const [oldest] = store.queue.list({ limit: 1 });
    const { messages } = store.queue.counts();
    if (oldest === undefined) return ok("empty");
    const age = now - oldest.receivedAt;
    const text = `${counted(messages, "message")}, the oldest since ${roundDuration(age)}`;
    const remedy = `gw queue show ${oldest.id} tells what its hosts say`;
    return age > QUEUE_AGE_MS ? warn(text, remedy) : ok(text);
  } catch (error) {
    // Before the first start there is no store, and no one could look into it.
    if (!existsSync(config["server.data_dir"])) return ok("empty: gw was never started");
    return unknown(describeError(error), "run this as root, or as the user that gw runs as");
  } finally {
    await store?.close();
  }
}

// The ways in which a running gateway is asked and watched: its socket, the folder of control files, the
// page for monitoring. They are opened and closed together.
import type { Log } from "../base/log.ts";
import type { Config } from "../config/schema.ts";
import { ControlFiles } from "./control-files.ts";
import { ControlServer, type Handler } from "./control-server.ts";
import { MetricsServer } from "./metrics-server.ts";
import type { Stats } from "./protocol.ts";

/** Who answers. */
export interface Answers {
  readonly answer: Handler;
  readonly stats: () => Stats;
  /** What keeps mail from being taken now; "" if nothing does. */
  readonly trouble: () => string;
  /** What is not as it should be though mail is taken. */
  readonly warnings: () => readonly string[];
}

/** All doors of one gateway. */
export class Doors {
  #metrics: MetricsServer | undefined;
  #control: ControlServer | undefined;
  #files: ControlFiles | undefined;

  /** Opens those that the configuration wants; throws what is in the way, and none is open then. */
  static async open(config: Config, answers: Answers, log: Log): Promise<Doors> {
    const doors = new Doors();
    const metrics = config["server.metrics_listen"];
    const folder = config["server.control_dir"];
    try {
      if (metrics !== "") doors.#metrics = MetricsServer.start(metrics, answers);
      doors.#control = await ControlServer.start(config["server.data_dir"], answers.answer, log);
      if (folder !== "") {
        const places = { folder, statsFile: config["server.stats_file"] };
        doors.#files = new ControlFiles(places, answers.answer, log);
        doors.#files.start();
      }
    } catch (error) {
      doors.close();
      throw error;
    }
    return doors;
  }

  close(): void {
    this.#control?.stop();
    this.#files?.stop();
    this.#metrics?.stop();
  }
}

// The exemptions of a running gateway. A command adds one beside the server, and it is to count at
// once; asking the database for every clean message whether there are any would cost more than that
// is worth.

import type { Clock } from "../../base/clock.ts";
import type { Exemption, ExemptionRows } from "../../store/rows/exemption-rows.ts";

/** How long it may take until objects are hashed after the first exemption that needs it. */
const LOOK_MS = 250;

/** Knows which exemptions hold. */
export class ExemptionWatch {
  readonly #rows: ExemptionRows;
  readonly #clock: Clock;
  #lookAt = Number.NEGATIVE_INFINITY;
  #isHashWanted = false;

  constructor(rows: ExemptionRows, clock: Clock) {
    this.#rows = rows;
    this.#clock = clock;
  }

  /** Those that hold at this moment. */
  active(): readonly Exemption[] {
    return this.#rows.active(this.#clock.now());
  }

  /** Whether one of them is about the content of objects. */
  isHashWanted(): boolean {
    const now = this.#clock.steady();
    if (now >= this.#lookAt) {
      this.#lookAt = now + LOOK_MS;
      this.#isHashWanted = this.active().some(({ hash }) => hash !== undefined);
    }
    return this.#isHashWanted;
  }
}

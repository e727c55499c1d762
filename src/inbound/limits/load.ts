// Bytes of all messages that are being received and scanned at this moment: what keeps a flood of
// large messages from filling memory and disk at once.

/** One message's share. */
export interface Share {
  /** Takes note that `size` bytes have come in all; false if that is more than there is room for. */
  grow(size: number): boolean;
  /** Gives the share back; once is enough. */
  release(): void;
}

/** What is on its way in. */
export class Load {
  #bytes = 0;

  /** Bytes that are held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes a share for a message of which `expected` bytes were announced (0: nobody said how many).
   * Undefined if there is no room for it; a message that is alone always finds room.
   */
  take(expected: number, bytesMax: number): Share | undefined {
    if (this.#bytes > 0 && this.#bytes + expected > bytesMax) return undefined;
    let held = expected;
    let isReleased = false;
    this.#bytes += held;
    return {
      grow: (size) => {
        if (isReleased || size <= held) return true;
        const isRoom = this.#bytes - held + size <= bytesMax || this.#bytes === held;
        this.#bytes += size - held;
        held = size;
        return isRoom;
      },
      release: () => {
        if (!isReleased) this.#bytes -= held;
        isReleased = true;
      },
    };
  }
}

// A next hop that falls for every trick: a message ends for it wherever some server somewhere has
// ever held it to end. What reaches it as one message is one message for everybody.
import type { Socket } from "bun";

/** A running hop. */
export interface GullibleHop {
  readonly port: number;
  /** What it holds to be messages, as they came. */
  readonly messages: readonly string[];
  stop(): void;
}

// A dot alone between two line ends of any kind, with a NUL or spaces about it.
const END = /(?:\r\n|\r|\n)\0?\.[\0 ]?(?:\r\n|\r|\n)/;
const SIZE_MAX = 2 ** 20;

/** Starts one on a free port of 127.0.0.1. */
export function startGullibleHop(): GullibleHop {
  const messages: string[] = [];
  const talk = (socket: Socket<{ text: string; isData: boolean }>) => {
    const session = socket.data;
    for (;;) {
      const end = (session.isData ? END : /\r\n|\r|\n/).exec(session.text);
      if (end === null) return;
      const line = session.text.slice(0, end.index);
      session.text = session.text.slice(end.index + end[0].length);
      if (session.isData) {
        messages.push(line);
        session.isData = false;
        socket.write("250 OK\r\n");
      } else if (/^EHLO/i.test(line)) socket.write("250-hop\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
      else if (/^DATA/i.test(line)) {
        // The empty line before the first one: a dot may come at once.
        session.isData = true;
        session.text = `\r\n${session.text}`;
        socket.write("354 go ahead\r\n");
      } else if (/^QUIT/i.test(line)) {
        socket.end("221 bye\r\n");
        return;
      } else socket.write("250 OK\r\n");
    }
  };
  const listener = Bun.listen<{ text: string; isData: boolean }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { text: "", isData: false };
        socket.write("220 hop ESMTP\r\n");
      },
      data(socket, chunk) {
        socket.data.text += chunk.toString("latin1");
        if (socket.data.text.length > SIZE_MAX) socket.terminate();
        else talk(socket);
      },
    },
  });
  return { port: listener.port, messages, stop: () => listener.stop(true) };
}

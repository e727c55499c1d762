import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { sendMail } from "../../src/cli/smtp-client.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Heard {
  readonly endpoint: { readonly address: string; readonly port: number };
  readonly text: () => string;
}

/** A server that says one line of the script for each command, and for the end of the message. */
async function scripted(...replies: string[]): Promise<Heard> {
  let text = "";
  const server = createServer((socket: Socket) => {
    const answer = () => {
      const reply = replies.shift();
      if (reply === undefined) socket.destroy();
      else if (reply !== "") socket.write(reply);
    };
    answer();
    let isData = false;
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      text += chunk.toString();
      if (isData && !text.endsWith("\r\n.\r\n")) return;
      isData = chunk.toString() === "DATA\r\n";
      answer();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return { endpoint: { address: "127.0.0.1", port }, text: () => text };
}

const MAIL = { sender: "a@x.org", recipient: "b@y.org", data: "A: b\r\n\r\n.dot\r\nend" };
const GOOD = ["220 hi\r\n", "250-x\r\n250 SIZE\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"];

describe("sendMail()", () => {
  test("sends one message, dots doubled, and gives the reply to it", async () => {
    const server = await scripted(...GOOD, "250-2.0.0 OK\r\n250 queued as 1\r\n");
    const reply = await sendMail(server.endpoint, MAIL, 5000);
    expect(reply).toEqual({ code: 250, text: "2.0.0 OK queued as 1" });
    expect(server.text()).toStartWith(
      "EHLO localhost\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\nDATA\r\n" +
        "A: b\r\n\r\n..dot\r\nend\r\n.\r\n",
    );
  });

  test.each([
    ["the greeting", ["421 busy\r\n"], 421],
    ["a recipient", [...GOOD.slice(0, 3), "550 5.1.1 no\r\n"], 550],
    ["the message", [...GOOD, "554 5.7.1 harmful\r\n"], 554],
  ])("ends with the refusal of %s", async (_, script, code) => {
    const server = await scripted(...script);
    expect((await sendMail(server.endpoint, MAIL, 5000)).code).toBe(code);
  });

  test.each([
    ["nobody answers in time", ["220 hi\r\n", ""], "no reply in time"],
    ["the connection breaks", ["220 hi\r\n"], "the connection was closed"],
    ["the reply has no end", [`220-${"x".repeat(70_000)}\r\n`], "an endless reply"],
  ])("throws if %s", async (_, script, message) => {
    const server = await scripted(...script);
    await expect(sendMail(server.endpoint, MAIL, 300)).rejects.toThrow(message);
  });

  test("throws if nobody listens", async () => {
    const server = await scripted("220 hi\r\n");
    await new Promise((resolve) => servers.pop()?.close(resolve));
    await expect(sendMail(server.endpoint, MAIL, 5000)).rejects.toThrow();
  });
});

// The internals of nodemailer that connection.ts builds on: an update that moves one must not pass.
import { expect, test } from "bun:test";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { Connection } from "../../../src/outbound/session/connection.ts";
import { IMPATIENT } from "../parts.ts";

const METHODS = [
  "_actionMAIL",
  "_actionRCPT",
  "_actionDATA",
  "_actionSMTPStream",
  "_createSendStream",
  "_getDsnRcptToArgs",
  "_processResponse",
  "_sendCommand",
  "_onClose",
  "_onError",
];

test.each(METHODS)("nodemailer still has the method %s", (name) => {
  const prototype = SMTPConnection.prototype as unknown as Record<string, unknown>;
  expect(typeof prototype[name]).toBe("function");
});

const FIELDS: [string, unknown][] = [
  ["_responseActions", []],
  ["_responseQueue", []],
  ["_responsePartial", false],
  ["_supportedExtensions", []],
  ["_maxAllowedSize", 0],
  ["_socket", false],
];

test.each(FIELDS)("nodemailer still has the field %s", (name, value) => {
  const connection = new SMTPConnection({ logger: false }) as unknown as Record<string, unknown>;
  expect(connection[name]).toEqual(value);
});

test("a wait that is over ends the connection, one that is not does nothing", () => {
  let now = 0;
  const connection = new Connection({}, IMPATIENT.timeouts, () => now);
  const errors: string[] = [];
  connection.on("error", (error: Error) => errors.push(error.message));
  now = IMPATIENT.timeouts.greetingMs - 1;
  connection.checkDeadline(now);
  expect(connection.destroyed).toBe(false);
  connection.checkDeadline(now + 1);
  expect(errors).toEqual(["timeout"]);
  expect(connection.destroyed).toBe(true);
});

test("a connection at rest waits for nothing", () => {
  const connection = new Connection({}, IMPATIENT.timeouts, () => 0);
  connection.rest();
  connection.checkDeadline(1e12);
  expect(connection.destroyed).toBe(false);
  connection.close();
});

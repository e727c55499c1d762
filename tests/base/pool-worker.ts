// A worker for the pool's tests: echoes, fails, dies or never ends, as told.

declare const self: Worker;

function work(ticket: number, job: string): void {
  if (job === "silent") return;
  if (job === "spin") while (true) Math.random();
  if (job === "die") {
    setTimeout(() => {
      throw new Error("died");
    });
    return;
  }
  if (job === "fail") self.postMessage([{ ticket, error: "failed" }]);
  else self.postMessage([{ ticket, result: `did ${job}` }]);
}

self.onmessage = (event: MessageEvent<{ ticket: number; job: string }[]>) => {
  for (const { ticket, job } of event.data) work(ticket, job);
};
self.postMessage("ready");

// A worker for the pool's tests: echoes, fails, dies or never ends, as told.

declare const self: Worker;

self.onmessage = (event: MessageEvent<{ ticket: number; job: string }>) => {
  const { ticket, job } = event.data;
  if (job === "silent") return;
  if (job === "spin") while (true) Math.random();
  if (job === "die") {
    setTimeout(() => {
      throw new Error("died");
    });
    return;
  }
  if (job === "fail") self.postMessage({ ticket, error: "failed" });
  else self.postMessage({ ticket, result: `did ${job}` });
};
self.postMessage({ ready: true });

// The thread in which a site's signatures are compiled, so that mail goes on meanwhile. One job.
import { describeError } from "../../base/log.ts";
import { type CompiledFiles, compileFiles, type SignatureFile } from "./compile.ts";

declare const self: Worker;

/** What the worker answers. */
export type CompileAnswer = CompiledFiles | { readonly error: string };

self.onmessage = async ({ data }: MessageEvent<readonly SignatureFile[]>) => {
  let answer: CompileAnswer;
  try {
    answer = await compileFiles(data);
  } catch (error) {
    answer = { error: describeError(error) };
  }
  self.postMessage(answer);
};

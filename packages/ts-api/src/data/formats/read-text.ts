import { openContents } from "./container/index.ts";
import { detectEncoding, readText } from "./encoding/index.ts";

/** Streams a small text file as UTF-8, whatever its encoding. */
export async function* readTextFile(
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const contents = await openContents(path, signal);
  yield* readText(contents, await detectEncoding(contents), signal);
}

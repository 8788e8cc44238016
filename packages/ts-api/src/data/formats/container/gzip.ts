import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createInflateRaw, type Gunzip, type InflateRaw } from "node:zlib";
import { FinetagError } from "../../../errors/index.ts";
import { dataError } from "../../errors.ts";
import { readBytes } from "./file.ts";

/** Streams what a gzip file holds, all of its members. */
export function gunzip(path: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  return through(path, "gzip", createGunzip(), readBytes(path, signal));
}

/** Streams what an entry of a zip archive holds. */
export function inflate(
  path: string,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  return through(path, "zip", createInflateRaw(), chunks);
}

async function* through(
  path: string,
  container: string,
  inflater: Gunzip | InflateRaw,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  // Its error also reaches the loop below; nothing waits for the pipeline after a consumer that stops early.
  const fed = pipeline(Readable.from(chunks, { highWaterMark: 1 }), inflater).catch(
    (error: unknown) => error,
  );
  try {
    for await (const chunk of inflater as AsyncIterable<Buffer>) yield chunk;
  } catch (cause) {
    const error = await fed;
    if (error instanceof FinetagError) throw error;
    const why =
      (cause as NodeJS.ErrnoException).code === "Z_BUF_ERROR"
        ? `is cut off: its ${container} data ends early`
        : `is damaged: its ${container} data cannot be decompressed`;
    throw dataError(path, undefined, `${why}; copy or download it again`);
  } finally {
    inflater.destroy();
    await fed;
  }
}

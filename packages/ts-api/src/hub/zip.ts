import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { FinetagError } from "../errors/index.ts";
import { ioError } from "../io/index.ts";

/** One entry to unpack, and what it must be. */
export interface WantedEntry {
  /** Its full name inside the archive. */
  name: string;
  /** Where it is written to; its folder is made. */
  path: string;
  /** In bytes. */
  size?: number;
  /** Lower-case hex. */
  sha256?: string;
}

interface ExtractOptions {
  onBytes?: (entry: WantedEntry, written: number) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Unpacks the wanted entries, each to its own path, and no other, whatever names the archive holds. Sizes are
 * checked before and while writing, digests after.
 *
 * @param label What the archive is, for messages.
 * @throws FinetagError `ERR_FINETAG_DOWNLOAD` for a file that is no zip, or lacks an entry, or holds another one;
 * `ERR_FINETAG_IO`.
 */
export async function extractEntries(
  archive: string,
  label: string,
  wanted: readonly WantedEntry[],
  options: ExtractOptions,
): Promise<void> {
  const missing = new Map(wanted.map((entry) => [entry.name, entry]));
  try {
    const zip = await openPromise(archive, { autoClose: false });
    try {
      for await (const entry of zip.eachEntry()) {
        const want = missing.get(entry.fileName);
        if (want === undefined) continue;
        await extractEntry(zip, entry, want, options);
        missing.delete(entry.fileName);
      }
    } finally {
      zip.close();
    }
    const [first] = missing.keys();
    if (first !== undefined) throw new Error(`${first} is not in it`);
  } catch (error) {
    const known = ioError(error, "write", dirname(wanted[0]?.path ?? archive));
    if (known instanceof FinetagError || options.signal?.aborted) throw known;
    throw new FinetagError(
      "ERR_FINETAG_DOWNLOAD",
      `${label}: the archive cannot be used (${(error as Error).message}); nothing was kept: try again`,
      { cause: error },
    );
  }
}

async function extractEntry(
  zip: ZipFile,
  entry: Entry,
  want: WantedEntry,
  options: ExtractOptions,
): Promise<void> {
  if (want.size !== undefined && entry.uncompressedSize !== want.size)
    throw new Error(`${want.name} has ${entry.uncompressedSize} bytes instead of ${want.size}`);
  const hash = createHash("sha256");
  let written = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      written += chunk.length;
      options.onBytes?.(want, written);
      done(null, chunk);
    },
  });
  await mkdir(dirname(want.path), { recursive: true });
  // yauzl checks the CRC and ends the stream at the declared size.
  const stream = await zip.openReadStreamPromise(entry);
  await pipeline(stream, meter, createWriteStream(want.path), { signal: options.signal });
  if (want.sha256 !== undefined && hash.digest("hex") !== want.sha256)
    throw new Error(`${want.name} has a wrong checksum`);
}

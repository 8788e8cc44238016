import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { PassThrough, Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw } from "node:zlib";
import type { Entry } from "yauzl";
import { FinetagError, oneLine } from "../../errors/index.ts";
import { ioError, makeFolder } from "../../io/index.ts";

/** One entry to unpack, and what it must be. */
export interface WantedEntry {
  /** Its full name inside the archive. */
  name: string;
  /** Where it is written to; its folder is made. */
  path: string;
  /** In bytes: how many it has, or may have. */
  size: number | { most: number };
  /** Lower-case hex. */
  sha256?: string;
}

interface ExtractOptions {
  onBytes?: (path: string, written: number, total: number) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Unpacks the wanted entries, each to its own path, and no other, whatever names the archive holds. Sizes are
 * checked before and while writing, checksums after.
 *
 * @param label What the archive is, for messages.
 * @throws FinetagError `ERR_FINETAG_DOWNLOAD` for a file that is not a zip, lacks an entry, or has another one;
 * `ERR_FINETAG_IO`.
 */
export async function extractEntries(
  archive: string,
  label: string,
  wanted: readonly WantedEntry[],
  options: ExtractOptions,
): Promise<void> {
  const { bytesOf, withArchive } = await import("../../io/archive.ts"); // loads yauzl
  try {
    const file = await open(archive, "r");
    try {
      await withArchive(await bytesOf(file), async ({ entries, dataStart }) => {
        for (const want of wanted) {
          const entry = entries.get(want.name);
          if (entry === undefined) throw new Error(`${want.name} is not in it`);
          checkEntry(entry, want);
          await extractEntry(file, entry, await dataStart(entry), want, options);
        }
      });
    } finally {
      await file.close();
    }
  } catch (error) {
    const known = ioError(error, "write", dirname(wanted[0]?.path ?? archive));
    if (known instanceof FinetagError || options.signal?.aborted) throw known;
    const reason = oneLine((error as Error).message);
    throw new FinetagError(
      "ERR_FINETAG_DOWNLOAD",
      `${label}: the archive cannot be used (${reason}); nothing was kept: try again`,
      { cause: error },
    );
  }
}

function checkEntry(entry: Entry, { name, size }: WantedEntry): void {
  const bytes = entry.uncompressedSize;
  if (typeof size === "number" && bytes !== size)
    throw new Error(`${name} has ${bytes} bytes instead of ${size}`);
  if (typeof size === "object" && bytes > size.most)
    throw new Error(`${name} claims ${bytes} bytes, more than ${size.most}`);
  if (!entry.canDecodeFileData()) throw new Error(`${name} is encrypted, or packed in an unknown way`);
}

async function extractEntry(
  file: FileHandle,
  entry: Entry,
  begin: number,
  want: WantedEntry,
  options: ExtractOptions,
): Promise<void> {
  const { compressedSize, uncompressedSize: size } = entry;
  const hash = createHash("sha256");
  let written = 0;
  let sum = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      written += chunk.length;
      if (written > size)
        return done(new Error(`${want.name} is longer than the ${size} bytes that it claims`));
      hash.update(chunk);
      sum = crc32(chunk, sum);
      options.onBytes?.(want.path, written, size);
      done(null, chunk);
    },
  });
  await makeFolder(dirname(want.path));
  const packed =
    compressedSize === 0
      ? Readable.from([])
      : file.createReadStream({ start: begin, end: begin + compressedSize - 1, autoClose: false });
  const unpack = entry.isCompressed() ? createInflateRaw() : new PassThrough();
  await pipeline(packed, unpack, meter, createWriteStream(want.path), { signal: options.signal });
  if (written !== size) throw new Error(`${want.name} has ${written} bytes instead of ${size}`);
  if (sum !== entry.crc32 || (want.sha256 !== undefined && hash.digest("hex") !== want.sha256))
    throw new Error(`${want.name} has a wrong checksum`);
}

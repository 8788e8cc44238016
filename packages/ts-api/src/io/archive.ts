import type { FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from "yauzl";

/** A model has some hundred storages, a Python package some hundred files. */
const ENTRIES_LIMIT = 100_000;

/** Of the list of entries: some 100 bytes each. What is made of it takes several times as many. */
const LIST_LIMIT_BYTES = 16 * 1024 * 1024;

/** Where an archive's bytes come from. */
export interface ByteSource {
  readonly size: number;
  /** Bytes `[begin, end)`, which lie in it: as many, or an error. */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** The bytes of an open file, which stays open. */
export async function bytesOf(file: FileHandle): Promise<ByteSource> {
  const { size } = await file.stat();
  const read = async (begin: number, end: number) => {
    const bytes = new Uint8Array(end - begin);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, begin);
    if (bytesRead < bytes.length) throw new Error("it became shorter while it was read");
    return bytes;
  };
  return { size, read };
}

/** What is in a zip archive, and where. */
export interface Archive {
  entries: ReadonlyMap<string, Entry>;
  /** Where an entry's bytes begin; all of them lie within the archive. */
  dataStart(entry: Entry): Promise<number>;
}

/**
 * Lists a zip archive. Nothing that is written in it leads outside: places are checked before they are read, and names
 * of other folders are refused.
 *
 * @param use What is done with it; it is closed afterwards.
 * @throws An `Error` for an archive that is damaged, of more entries than any model has, or with two of one name.
 */
export async function withArchive<T>(source: ByteSource, use: (archive: Archive) => Promise<T>): Promise<T> {
  const reader = new CheckedReader(source);
  const work = async () => {
    const zip = await fromRandomAccessReaderPromise(reader, source.size, { autoClose: false });
    try {
      const entries = await listEntries(zip);
      return await use({ entries, dataStart: (entry) => dataStart(zip, entry) });
    } finally {
      zip.close();
    }
  };
  return Promise.race([work(), reader.failure]);
}

async function listEntries(zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  let bytes = 0;
  for await (const entry of zip.eachEntry()) {
    if (entries.has(entry.fileName)) throw new Error(`it has ${JSON.stringify(entry.fileName)} twice`);
    bytes += entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
    if (entries.size === ENTRIES_LIMIT || bytes > LIST_LIMIT_BYTES)
      throw new Error("it has more entries than any model");
    entry.extraFields = []; // many small objects, which yauzl has looked at
    entries.set(entry.fileName, entry);
  }
  return entries;
}

async function dataStart(zip: ZipFile, entry: Entry): Promise<number> {
  return (await zip.readLocalFileHeaderPromise(entry, { minimal: true })).fileDataStart;
}

/**
 * Reads for yauzl, with bounds. Its own reader hands positions from the archive to `fs.read`, which throws at those that
 * are no safe integers, inside a callback, where that would end the process.
 */
class CheckedReader extends RandomAccessReader {
  readonly #source: ByteSource;
  #fail!: (error: unknown) => void;
  /** Rejects with what yauzl throws inside a callback. */
  readonly failure = new Promise<never>((_, reject) => {
    this.#fail = reject;
  });

  constructor(source: ByteSource) {
    super();
    this.#source = source;
    this.failure.catch(() => {}); // it may come after the end, when nobody listens
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#bytes(position, position + length)
      .then(
        (bytes) => {
          buffer.set(bytes, offset);
          callback(null, length);
        },
        (error) => callback(error),
      )
      .catch(this.#fail);
  }

  async #bytes(begin: number, end: number): Promise<Uint8Array> {
    const { size } = this.#source;
    if (begin >= 0 && begin <= end && end <= size) return this.#source.read(begin, end);
    throw new Error(`truncated: it has ${size} bytes, but bytes ${begin} to ${end} are needed`);
  }

  override _readStreamForRange(): Readable {
    throw new Error("nothing is read as a stream");
  }
}

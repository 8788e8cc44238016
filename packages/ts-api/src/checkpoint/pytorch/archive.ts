import type { Readable } from "node:stream";
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from "yauzl";
import type { InputFile } from "../input.ts";

/** A model has some hundred storages. */
const ENTRIES_LIMIT = 100_000;

/** What is in a zip archive, and where. */
export interface Archive {
  entries: ReadonlyMap<string, Entry>;
  /** Where an entry's bytes begin in the file. */
  dataStart(entry: Entry): Promise<number>;
}

/**
 * Lists a zip archive.
 *
 * @param use What is done with it; it is closed afterwards.
 * @throws An `Error` for an archive that is damaged, of more entries than any model has, or with two of one name.
 */
export async function withArchive<T>(file: InputFile, use: (archive: Archive) => Promise<T>): Promise<T> {
  const reader = new FileReader(file);
  const work = async () => {
    const zip = await fromRandomAccessReaderPromise(reader, file.size, { autoClose: false });
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
  for await (const entry of zip.eachEntry()) {
    if (entries.has(entry.fileName)) throw new Error(`${JSON.stringify(entry.fileName)} is in it twice`);
    if (entries.size === ENTRIES_LIMIT) throw new Error("it has more entries than any model");
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
class FileReader extends RandomAccessReader {
  readonly #file: InputFile;
  #fail!: (error: unknown) => void;
  /** Rejects with what yauzl throws inside a callback. */
  readonly failure = new Promise<never>((_, reject) => {
    this.#fail = reject;
  });

  constructor(file: InputFile) {
    super();
    this.#file = file;
    this.failure.catch(() => {}); // it may come after the end, when nobody listens
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#file
      .read(position, position + length)
      .then(
        (bytes) => {
          buffer.set(bytes, offset);
          callback(null, length);
        },
        (error) => callback(error),
      )
      .catch(this.#fail);
  }

  override _readStreamForRange(): Readable {
    throw new Error("nothing is read as a stream");
  }
}

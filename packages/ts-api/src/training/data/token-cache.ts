import { createHash } from "node:crypto";
import { open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DataFile } from "../../data/index.ts";
import { readStore, STORE_FILE_FORMAT, type TokenStore, writeStore } from "../../engine/index.ts";
import { throwIfAborted } from "../../errors/index.ts";
import {
  finetagCacheDirectory,
  ioError,
  makeFolder,
  removeLeftovers,
  sha256File,
  withAtomicFile,
} from "../../io/index.ts";
import { TOKENIZERS_VERSION, type Tokenizer } from "../../tokenizer/index.ts";
import { VERSION } from "../../version.ts";
import type { LeftOut } from "./sources.ts";

/** Maximum size of all entries; the least recently used are removed first. */
const LIMIT_BYTES = 4 * 1024 ** 3;
const ENDING = ".tokens";

/** A file's rows as tokens, and what a run reports about them. */
export interface TokenizedFile {
  store: TokenStore;
  /** Number of texts truncated to the maximum length. */
  truncated: number;
  emptyTexts: number;
  /** Rows that were left out, if any. */
  leftOut?: LeftOut;
  /** Hash of the store, see `TokenStore.updateHash`. */
  sha256: string;
}

/** What a file's tokens depend on, apart from its bytes. */
export interface Encoding {
  tokenizer: Tokenizer;
  maxLength: number;
  /** Rows of the embedding table, within which all ids were found to be. */
  vocabSize: number;
}

/**
 * Caches tokenized files between runs in finetag's cache directory. An entry's name is a hash of the file's bytes and of
 * everything else that its tokens depend on, so an entry cannot be stale, whatever happens to file times and names. An
 * entry contains the texts in another form, so only its owner may read it.
 */
export class TokenCache {
  readonly #directory: string;
  readonly #limitBytes: number;

  constructor(directory = join(finetagCacheDirectory(), "tokens"), limitBytes = LIMIT_BYTES) {
    this.#directory = directory;
    this.#limitBytes = limitBytes;
  }

  /** The entry for a file's tokens, which may or may not exist. Reads the file once. */
  async find(
    file: DataFile,
    { tokenizer, maxLength, vocabSize }: Encoding,
    signal?: AbortSignal,
  ): Promise<CacheEntry> {
    const { format, layout, columns, labels, source } = file;
    const { files } = source;
    const stamp = await stampOf(files);
    const key = {
      versions: [STORE_FILE_FORMAT, VERSION, TOKENIZERS_VERSION],
      bytes: await hashOf(files, signal).catch((error) => {
        throwIfAborted(signal);
        throw error;
      }),
      read: { format, layout, columns, labels, ...dialectOf(source) },
      tokenizer: tokenizer.identity,
      maxLength,
      vocabSize,
    };
    const name = createHash("sha256").update(JSON.stringify(key)).digest("hex");
    return new CacheEntry(this.#directory, `${name}${ENDING}`, this.#limitBytes, async () => {
      return (await stampOf(files)) === stamp;
    });
  }
}

export class CacheEntry {
  readonly path: string;
  readonly #directory: string;
  readonly #limitBytes: number;
  readonly #isUnchanged: () => Promise<boolean>;

  constructor(directory: string, name: string, limitBytes: number, isUnchanged: () => Promise<boolean>) {
    this.path = join(directory, name);
    this.#directory = directory;
    this.#limitBytes = limitBytes;
    this.#isUnchanged = isUnchanged;
  }

  /** @returns `absent` also for an unreadable entry, `damaged` for an incomplete one. */
  async read(): Promise<TokenizedFile | "absent" | "damaged"> {
    const file = await open(this.path, "r").catch(() => undefined);
    if (file === undefined) return "absent";
    try {
      const found = await readStore(file);
      if (found === undefined) return "damaged";
      const now = new Date();
      await file.utimes(now, now).catch(() => {}); // a read-only cache works too
      return { store: found.store, ...(found.extra as Omit<TokenizedFile, "store">) };
    } catch {
      return "damaged";
    } finally {
      await file.close();
    }
  }

  /**
   * Stores the tokens, unless the file has changed since the lookup, or they are larger than the whole cache may be.
   *
   * @throws FinetagError `ERR_FINETAG_IO`; nothing is left behind then.
   */
  async write({ store, ...extra }: TokenizedFile): Promise<void> {
    if (2 * store.tokens > this.#limitBytes || !(await this.#isUnchanged())) return;
    await makeFolder(this.#directory, 0o700).catch((error) =>
      Promise.reject(ioError(error, "write", this.#directory)),
    );
    await removeLeftovers(this.#directory);
    await withAtomicFile(this.path, (file) => writeStore(file, store, extra), { newMode: 0o600 });
    await this.#prune();
  }

  async #prune(): Promise<void> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith(ENDING));
    const entries = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#directory, name);
        const found = await stat(path).catch(() => undefined); // another run may prune at the same time
        return { path, size: found?.size ?? 0, used: found?.mtimeMs ?? 0 };
      }),
    );
    let total = 0;
    for (const { path, size } of entries.sort((a, b) => b.used - a.used)) {
      total += size;
      if (total > this.#limitBytes) await rm(path, { force: true });
    }
  }
}

/** The hash of a file; of several, the hash of each. */
async function hashOf(files: readonly string[], signal?: AbortSignal): Promise<string> {
  const hashes: string[] = [];
  for (const file of files) hashes.push(await sha256File(file, signal));
  return hashes.join(" ");
}

/** How the text was read, where it is not what its format implies. */
function dialectOf({ format, encoding, delimiter, quoted }: DataFile["source"]): object {
  const implied = format === "tsv" ? { delimiter: "\t", quoted: false } : { delimiter: ",", quoted: true };
  return {
    ...(encoding === undefined || encoding === "utf-8" ? {} : { encoding }),
    ...(delimiter === undefined || delimiter === implied.delimiter ? {} : { delimiter }),
    ...(quoted === undefined || quoted === implied.quoted ? {} : { quoted }),
  };
}

/** Changes when a file is written or replaced. */
async function stampOf(files: readonly string[]): Promise<string> {
  const stamps: string[] = [];
  for (const path of files) {
    const { size, mtimeNs, ino } = await stat(path, { bigint: true }).catch((error) =>
      Promise.reject(ioError(error, "read", path)),
    );
    stamps.push(`${size} ${mtimeNs} ${ino}`);
  }
  return stamps.join(" ");
}

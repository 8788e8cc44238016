import { type FileHandle, open } from "node:fs/promises";
import { FinetagError, oneLine, throwIfAborted } from "../../../errors/index.ts";
import { ioError } from "../../../io/index.ts";
import { dataError } from "../../errors.ts";
import type { ObjectRecord, ObjectSource } from "../object-table.ts";
import { classNames, toNames } from "./class-names.ts";
import { columnName, plainValue } from "./values.ts";

const BATCH = 1000;

/**
 * A Parquet file, read by hyparquet: one row group at a time, and of it the columns that are needed. `row` is the number of
 * the row, from 1.
 */
export async function parquetSource(path: string): Promise<ObjectSource> {
  const { parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import("hyparquet");
  const open = async <T>(work: (file: { byteLength: number; slice: Slice }) => Promise<T>) =>
    withFile(path, async (handle, size) => {
      try {
        return await work({ byteLength: size, slice: slicer(handle, size) });
      } catch (cause) {
        if (cause instanceof FinetagError || (cause as NodeJS.ErrnoException).syscall !== undefined)
          throw cause;
        const why = oneLine((cause as Error).message);
        throw dataError(path, undefined, `cannot be read as Parquet: ${why}; copy or download it again`);
      }
    });
  const metadata = await open((file) => parquetMetadataAsync(file));
  const stored = parquetSchema(metadata).children.map(({ element }) => element.name);
  const columns = stored.map(columnName);
  if (columns.length === 0) throw dataError(path, undefined, "is empty: the Parquet file has no columns");

  const named = classNames(metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value);
  const toValue = (name: string, value: unknown) => {
    const names = named.get(name);
    return names === undefined ? plainValue(value) : toNames(plainValue(value), names);
  };

  async function* objects(
    signal?: AbortSignal,
    names: readonly string[] = columns,
  ): AsyncGenerator<ObjectRecord[], void, undefined> {
    const { compressors } = await import("hyparquet-compressors");
    const wanted = stored.filter((name) => names.includes(columnName(name)));
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      throwIfAborted(signal, path);
      const rowEnd = rowStart + Number(group.num_rows);
      const rows: Record<string, unknown>[] =
        wanted.length === 0
          ? Array.from({ length: rowEnd - rowStart }, () => ({}))
          : await open((file) =>
              parquetReadObjects({ file, metadata, columns: wanted, rowStart, rowEnd, compressors }),
            );
      for (let start = 0; start < rows.length; start += BATCH) {
        yield rows.slice(start, start + BATCH).map((row, i) => ({
          row: rowStart + start + i + 1,
          object: Object.fromEntries(wanted.map((name) => [columnName(name), toValue(name, row[name])])),
        }));
      }
      rowStart = rowEnd;
    }
  }
  const source = {
    container: "plain",
    format: "parquet",
    encoding: undefined,
    files: [path],
    notes: [],
  } as const;
  return { path, format: "parquet", source, columns, classNames: named, objects };
}

type Slice = (start: number, end?: number) => Promise<ArrayBuffer>;

function slicer(handle: FileHandle, size: number): Slice {
  return async (start, end = size) => {
    const from = start < 0 ? Math.max(0, size + start) : start;
    const length = Math.max(0, Math.min(end, size) - from);
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await handle.read(bytes, done, length - done, from + done);
      if (bytesRead === 0) throw new Error("the file ends early");
      done += bytesRead;
    }
    return bytes.buffer;
  };
}

async function withFile<T>(path: string, work: (handle: FileHandle, size: number) => Promise<T>): Promise<T> {
  const handle = await open(path, "r").catch((cause) => Promise.reject(ioError(cause, "read", path)));
  try {
    return await work(handle, (await handle.stat()).size);
  } catch (cause) {
    throw cause instanceof FinetagError ? cause : ioError(cause, "read", path);
  } finally {
    await handle.close();
  }
}

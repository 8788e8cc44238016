import { open } from "node:fs/promises";
import { basename } from "node:path";
import { crc32 } from "node:zlib";
import type { Entry } from "yauzl";
import { FinetagError, oneLine } from "../../../errors/index.ts";
import { dataError, showList } from "../../errors.ts";
import type { Contents } from "./contents.ts";
import { readBytes } from "./file.ts";
import { shellPath } from "./foreign.ts";
import { inflate } from "./gzip.ts";

const STORED = 0;
const DEFLATED = 8;

/** Of the XML in a workbook, which a library keeps as cells. A full sheet has about a third of it. */
const WORKBOOK_LIMIT_BYTES = 512 * 1024 * 1024;

/** Archives that are files of a program, by an entry that only they have. */
const DOCUMENTS: readonly [RegExp, string][] = [
  [/^word\/document\.xml$/, "is a Word document, not a table; save the table as CSV or .xlsx"],
  [/^ppt\/presentation\.xml$/, "is a PowerPoint file, not a table; save the table as CSV or .xlsx"],
  [/^xl\/workbook\.bin$/, "is an Excel file in binary form (.xlsb); save it as .xlsx or CSV"],
  [/^(?:[^/]+\/)?data\.pkl$/, "is a file of PyTorch, not data; give the file with the texts"],
  [/\.npy$/, "is a NumPy archive, which has no texts with labels; write a CSV with both"],
  [/^content\.xml$/, "is an OpenDocument file (.ods, .odt); save it as .xlsx or CSV"],
];

/** The one file in a zip archive; "workbook" for one of Excel, which is a zip archive too. */
export async function openZip(
  path: string,
  signal?: AbortSignal,
): Promise<Omit<Contents, "head" | "whole"> | "workbook"> {
  const { name, entry, start } = await findEntry(path);
  if (entry === undefined) return "workbook";
  async function* read(signal?: AbortSignal) {
    const packed = readBytes(path, signal, { begin: start, end: start + entry!.compressedSize });
    const bytes = entry!.compressionMethod === STORED ? packed : inflate(path, packed);
    let crc = 0;
    let size = 0;
    for await (const chunk of bytes) {
      crc = crc32(chunk, crc);
      size += chunk.length;
      yield chunk;
    }
    if (crc !== entry!.crc32 || size !== entry!.uncompressedSize) {
      throw dataError(path, undefined, "is damaged: a checksum is wrong; copy or download it again");
    }
  }
  signal?.throwIfAborted();
  return { path, container: "zip", name, read };
}

async function findEntry(path: string): Promise<{ name: string; entry?: Entry; start: number }> {
  const { bytesOf, withArchive } = await import("../../../io/archive.ts"); // loads yauzl
  const handle = await open(path, "r");
  try {
    return await withArchive(await bytesOf(handle), async ({ entries, dataStart }) => {
      if (entries.has("xl/workbook.xml")) {
        checkWorkbook(path, entries.values());
        return { name: path, start: 0 };
      }
      const document = DOCUMENTS.find(([pattern]) => [...entries.keys()].some((name) => pattern.test(name)));
      if (document !== undefined) throw dataError(path, undefined, document[1]);
      const names = [...entries.keys()].filter(isData);
      const remedy = `unpack it (unzip ${shellPath(path)}) and give the file you mean`;
      if (names.length !== 1) {
        const what = names.length === 0 ? "holds no file" : `holds ${names.length} files, ${showList(names)}`;
        throw dataError(path, undefined, `is a zip archive that ${what}; ${remedy}`);
      }
      const name = names[0]!;
      const entry = entries.get(name)!;
      if ((entry.generalPurposeBitFlag & 1) !== 0) {
        throw dataError(path, undefined, `is an encrypted zip archive; ${remedy}`);
      }
      if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
        const what = `is a zip archive with an unusual compression (method ${entry.compressionMethod})`;
        throw dataError(path, undefined, `${what}; ${remedy}`);
      }
      return { name, entry, start: await dataStart(entry) };
    });
  } catch (cause) {
    if (cause instanceof FinetagError) throw cause;
    const why = oneLine((cause as Error).message);
    throw dataError(
      path,
      undefined,
      `is a zip archive or an Excel file that is damaged (${why}); copy or download it again`,
    );
  } finally {
    await handle.close();
  }
}

/** An archive may unpack to any size, and a workbook is read as a whole. */
function checkWorkbook(path: string, entries: Iterable<Entry>): void {
  let total = 0;
  for (const { uncompressedSize } of entries) total += uncompressedSize;
  if (total > WORKBOOK_LIMIT_BYTES)
    throw dataError(path, undefined, "holds more than 512 MiB of cells; save the sheet as CSV");
}

/** What systems add to archives is no data. */
function isData(name: string): boolean {
  return !name.endsWith("/") && !name.startsWith("__MACOSX/") && !basename(name).startsWith(".");
}

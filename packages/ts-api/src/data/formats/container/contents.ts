import { extname } from "node:path";
import { dataError } from "../../errors.ts";
import type { TableSource } from "../table.ts";
import { checkFile, readBytes } from "./file.ts";
import { foreignKind, startsWith } from "./foreign.ts";

/** What decides how a file is read, decompressed. */
const HEAD_BYTES = 1024 * 1024;

const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const ZIP = [0x50, 0x4b, 0x03, 0x04];
const EMPTY_ZIP = [0x50, 0x4b, 0x05, 0x06];

/** A file that may hold rows, without its compression. */
export interface Contents {
  readonly path: string;
  readonly container: TableSource["container"];
  /** The name whose ending says what is inside: without `.gz`, or the one of the file in the archive. */
  readonly name: string;
  /** The first MiB. */
  readonly head: Buffer;
  /** Whether `head` is all. */
  readonly whole: boolean;
  /** Streams the bytes in chunks; may be called again. */
  read(signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined>;
}

/**
 * Opens a file; what it is compressed with is detected from its first bytes.
 * @throws {FinetagError} ERR_FINETAG_DATA for what cannot be read, or holds no rows, in one line that says what it is.
 */
export async function openContents(path: string, signal?: AbortSignal): Promise<Contents> {
  await checkFile(path);
  const plain = await withHead(
    { path, container: "plain", name: path, read: (s) => readBytes(path, s) },
    signal,
  );
  if (startsWith(plain.head, ZIP) || startsWith(plain.head, EMPTY_ZIP)) {
    const { openZip } = await import("./zip.ts"); // loads yauzl
    const inner = await openZip(path, signal);
    return inner === "workbook" ? plain : unpacked(await withHead(inner, signal));
  }
  if (startsWith(plain.head, GZIP)) {
    const { gunzip } = await import("./gzip.ts");
    return unpacked(await decompressed(plain, "gzip", (s) => gunzip(path, s), signal));
  }
  // A skippable frame may come first.
  if (
    startsWith(plain.head, ZSTD) ||
    (plain.head.length > 4 && (plain.head.readUInt32LE(0) & ~0xf) === 0x184d2a50)
  ) {
    const { unzstd } = await import("./zstd.ts");
    return unpacked(await decompressed(plain, "zstd", (s) => unzstd(path, s), signal));
  }
  const what = foreignKind(plain.head, path);
  if (what !== undefined) throw dataError(path, undefined, what);
  return plain;
}

function decompressed(
  { path }: Contents,
  container: Contents["container"],
  read: Contents["read"],
  signal?: AbortSignal,
): Promise<Contents> {
  const name = /^\.(?:gz|gzip|zst|zstd)$/i.test(extname(path)) ? path.slice(0, -extname(path).length) : path;
  return withHead({ path, container, name, read }, signal);
}

/** What is compressed once may hold text only; the rest is packed by its own format. */
function unpacked(contents: Contents): Contents {
  const { path, container, head } = contents;
  const inside = `holds a file (inside ${container}) that`;
  const what = foreignKind(head, path);
  if (what?.includes("tar archive")) throw dataError(path, undefined, what); // tar decompresses it too
  if (what !== undefined) {
    const [is] = what.split(/; | \(/, 1);
    throw dataError(path, undefined, `${inside} ${is}; decompress it and look at what it holds`);
  }
  if ([GZIP, ZSTD, ZIP].some((magic) => startsWith(head, magic))) {
    throw dataError(path, undefined, `${inside} is compressed again; decompress it once`);
  }
  return contents;
}

async function withHead(contents: Omit<Contents, "head" | "whole">, signal?: AbortSignal): Promise<Contents> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of contents.read(signal)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > HEAD_BYTES) break;
  }
  if (length === 0) throw dataError(contents.path, undefined, `is empty (inside ${contents.container})`);
  return {
    ...contents,
    head: Buffer.concat(chunks, Math.min(length, HEAD_BYTES)),
    whole: length <= HEAD_BYTES,
  };
}

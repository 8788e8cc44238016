import { isLfsPointer } from "../../../io/index.ts";
import { show } from "../../errors.ts";

/** Every byte of a magic number, as a code or as characters. */
type Magic = string | readonly number[];

interface Kind {
  magic: Magic;
  at?: number;
  what: string;
}

/** What holds no rows that finetag reads, with what to do. FILE is the file's path. */
const KINDS: readonly Kind[] = [
  { magic: "BZh", what: "is compressed with bzip2; decompress it first (bunzip2 -k FILE)" },
  {
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0],
    what: "is compressed with xz; decompress it first (unxz -k FILE)",
  },
  {
    magic: [0x04, 0x22, 0x4d, 0x18],
    what: "is compressed with LZ4; decompress it first (lz4 -d FILE data.csv)",
  },
  {
    magic: [0x1f, 0x9d],
    what: "is compressed with compress; decompress it first (gunzip -c FILE > data.csv)",
  },
  {
    magic: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c],
    what: "is a 7-Zip archive; unpack it first (7z x FILE)",
  },
  { magic: "Rar!", what: "is a RAR archive; unpack it first (unrar x FILE)" },
  { magic: "ustar", at: 257, what: "is a tar archive; unpack it first (tar -xf FILE)" },
  {
    magic: [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
    what: "is a file of Microsoft Office before 2007 (.xls, .doc), or one with a password; save it as .xlsx or CSV",
  },
  { magic: "%PDF", what: "is a PDF, not data; extract a table of texts and labels from it first" },
  { magic: "\x89PNG", what: "is an image, not data; give the file with the texts" },
  { magic: [0xff, 0xd8, 0xff], what: "is an image, not data; give the file with the texts" },
  { magic: "GIF8", what: "is an image, not data; give the file with the texts" },
  { magic: "{\\rtf", what: "is an RTF document, not data; save the table as CSV" },
  {
    magic: "SQLite format 3\0",
    what: 'is an SQLite database; export a table (sqlite3 -header -csv FILE "SELECT * FROM name" > data.csv)',
  },
  {
    magic: "\x89HDF\r\n",
    what: 'is an HDF5 file; export it with pandas (pandas.read_hdf("FILE").to_parquet("data.parquet"))',
  },
  {
    magic: "\x93NUMPY",
    what: "is a NumPy array, which has no texts with labels; write a CSV with both",
  },
  {
    magic: "FEA1",
    what: 'is a Feather file of version 1; convert it with pandas (pandas.read_feather("FILE").to_parquet("data.parquet"))',
  },
  {
    magic: "ORC",
    what: 'is an ORC file; convert it with pandas (pandas.read_orc("FILE").to_parquet("data.parquet"))',
  },
  { magic: "Obj\x01", what: "is an Avro file; convert it to JSON lines or Parquet" },
  { magic: "\x7fELF", what: "is a program, not data; give the file with the texts" },
  ...[2, 3, 4, 5].map((protocol) => ({
    magic: [0x80, protocol],
    what: 'is a Python pickle, which could run any code; save it as Parquet (pandas.read_pickle("FILE").to_parquet("data.parquet"))',
  })),
  {
    magic: [0xff, 0xfe, 0, 0],
    what: "is UTF-32; convert it to UTF-8 (iconv -f UTF-32 -t UTF-8 FILE > data.csv)",
  },
  {
    magic: [0, 0, 0xfe, 0xff],
    what: "is UTF-32; convert it to UTF-8 (iconv -f UTF-32 -t UTF-8 FILE > data.csv)",
  },
];

/** What a file is that holds no rows, by its start, with a remedy; undefined where it may hold some. */
export function foreignKind(head: Buffer, path: string): string | undefined {
  const kind = KINDS.find(({ magic, at = 0 }) => startsWith(head, magic, at));
  if (kind !== undefined) return kind.what.replaceAll("FILE", shellPath(path));
  if (head.toString("latin1", 0, 4) === "RIFF") return "is an image or a sound, not data; give the texts";
  if (isLfsPointer(head))
    return "is a Git LFS pointer, not the file itself; fetch the file with `git lfs pull`";
  return markupKind(head);
}

export function startsWith(head: Buffer, magic: Magic, at = 0): boolean {
  const bytes = typeof magic === "string" ? Buffer.from(magic, "latin1") : Buffer.from(magic);
  return head.subarray(at, at + bytes.length).equals(bytes);
}

/** A saved web page, or XML. Rows may hold markup too: here a line is nothing but a tag. */
function markupKind(head: Buffer): string | undefined {
  const start = head.toString("latin1", 0, 4096).replace(/^(?:\xef\xbb\xbf)?\s+|^\xef\xbb\xbf/, "");
  const line = start.split(/[\r\n]/, 1)[0]!.trimEnd();
  if (!/^<[!?a-z]/i.test(line) || !line.endsWith(">") || line.includes("\t")) return undefined;
  if (/^<(?:!doctype\s+html|html)\b/i.test(start) || /^<\?xml[^>]*>\s*<(?:!doctype\s+)?html/i.test(start)) {
    const title = /<title[^>]*>([^<]*)/i.exec(head.toString("utf8", 0, 65536))?.[1]?.trim();
    const called = title ? `, ${show(title)}` : "";
    return `is a web page${called}, not data; download the file itself (on GitHub "Raw", on Hugging Face /resolve/ in place of /blob/)`;
  }
  if (/^<\?xml\b/i.test(start)) return "is an XML file; convert it to CSV or JSON lines";
  return undefined;
}

/** A path as a shell takes it. */
export function shellPath(path: string): string {
  return /^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

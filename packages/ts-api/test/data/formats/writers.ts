import { crc32, deflateRawSync, gzipSync } from "node:zlib";

/** A zip archive (APPNOTE.TXT 4.3) of deflated entries. */
export function zipOf(entries: Record<string, string | Uint8Array>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(entries)) {
    const bytes = Buffer.from(content as string);
    const packed = deflateRawSync(bytes);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0); // version
    fields.writeUInt16LE(8, 4); // deflate
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), packed]);
    const more = Buffer.alloc(14);
    more.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from("PK\x01\x02"), Buffer.from([20, 0]), fields, more, Buffer.from(name)]),
    );
    parts.push(local);
    offset += local.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(size, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, ...directory, Buffer.from("PK\x05\x06"), end]);
}

/** A zstd frame (RFC 8878) of blocks that are stored as they are. */
export function zstdOf(bytes: Uint8Array): Buffer {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]); // no size, a window of 2 MiB
  const blocks: Buffer[] = [header];
  const size = 100_000;
  for (let at = 0; at === 0 || at < bytes.length; at += size) {
    const block = bytes.subarray(at, at + size);
    const isLast = at + size >= bytes.length ? 1 : 0;
    const head = Buffer.alloc(3);
    head.writeUIntLE(block.length * 8 + isLast, 0, 3);
    blocks.push(head, Buffer.from(block));
  }
  return Buffer.concat(blocks);
}

/** An Excel workbook of one sheet, with its texts inline. */
export function workbookOf(rows: readonly (readonly string[])[]): Buffer {
  const escaped = (text: string) =>
    text
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll("\r", "&#13;")
      .replaceAll("\n", "&#10;")
      .replaceAll("\t", "&#9;");
  const cell = (text: string, row: number, column: number) =>
    text === ""
      ? ""
      : `<c r="${String.fromCharCode(65 + column)}${row + 1}" t="inlineStr"><is><t xml:space="preserve">${escaped(text)}</t></is></c>`;
  const body = rows
    .map((cells, r) => `<row r="${r + 1}">${cells.map((text, c) => cell(text, r, c)).join("")}</row>`)
    .join("");
  const main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  const relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const packages = "http://schemas.openxmlformats.org/package/2006/relationships";
  return zipOf({
    "[Content_Types].xml":
      '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
    "_rels/.rels": `<Relationships xmlns="${packages}"><Relationship Id="rId1" Type="${relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    "xl/workbook.xml": `<workbook xmlns="${main}" xmlns:r="${relations}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": `<Relationships xmlns="${packages}"><Relationship Id="rId1" Type="${relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
    "xl/worksheets/sheet1.xml": `<worksheet xmlns="${main}"><sheetData>${body}</sheetData></worksheet>`,
  });
}

export const CONTAINERS: Record<string, (bytes: Buffer) => Buffer> = {
  plain: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes),
  zstd: zstdOf,
  zip: (bytes) => zipOf({ "data.csv": bytes }),
};

/** Delimited text; a field is quoted where it has to be, or always. */
export function delimited(
  rows: readonly (readonly string[])[],
  { delimiter = ",", lineEnd = "\n", always = false } = {},
): string {
  const needs = (field: string) => [delimiter, '"', "\n", "\r"].some((char) => field.includes(char));
  const quoted = (field: string) => (always || needs(field) ? `"${field.replaceAll('"', '""')}"` : field);
  return rows.map((fields) => fields.map(quoted).join(delimiter) + lineEnd).join("");
}

const tables = new Map<string, Map<string, number[]>>();

/** Encodes a text, by turning the platform's decoder around; undefined where a character is not in the encoding. */
export function encode(text: string, encoding: string): Buffer | undefined {
  if (encoding === "utf-8") return Buffer.from(text);
  if (encoding === "utf-16le") return Buffer.from(text, "utf16le");
  if (encoding === "utf-16be") return Buffer.from(text, "utf16le").swap16();
  let table = tables.get(encoding);
  table ??= tableOf(encoding);
  tables.set(encoding, table);
  const bytes: number[] = [];
  for (const char of text) {
    const found = char < "\x80" ? [char.charCodeAt(0)] : table.get(char);
    if (found === undefined) return undefined;
    bytes.push(...found);
  }
  return Buffer.from(bytes);
}

function tableOf(encoding: string): Map<string, number[]> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const table = new Map<string, number[]>();
  const add = (bytes: number[]) => {
    try {
      const char = decoder.decode(Uint8Array.from(bytes));
      if ([...char].length === 1 && !table.has(char)) table.set(char, bytes);
    } catch {}
  };
  for (let lead = 0x80; lead < 0x100; lead++) add([lead]);
  // Some releases of Node.js decode these as Latin-1.
  if (encoding === "windows-1252") {
    table.set("€", [0x80]);
    for (const [i, char] of [..."‚ƒ„…†‡ˆ‰Š‹Œ"].entries()) table.set(char, [0x82 + i]);
    for (const [i, char] of [..."‘’“”•–—˜™š›œ"].entries()) table.set(char, [0x91 + i]);
  }
  if (/^windows|^koi8|^iso/.test(encoding)) return table;
  for (let lead = 0x81; lead < 0xff; lead++) {
    for (let trail = 0x40; trail < 0xff; trail++) add([lead, trail]);
  }
  return table;
}

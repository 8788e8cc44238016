import { DTYPE_BYTES } from "../dtypes.ts";
import { countElements, damaged, isCounts, isShape, type TensorEntry } from "../tensors.ts";

/** Where a tensor's bytes lie, counted from the end of the header. */
export interface PlacedEntry extends TensorEntry {
  begin: number;
  end: number;
}

export interface SafetensorsHeader {
  metadata: Record<string, string>;
  /** In file order, without gaps. */
  entries: PlacedEntry[];
}

/** The reference implementation refuses larger headers as well. */
export const HEADER_LIMIT_BYTES = 100_000_000;

/**
 * Reads the text of a safetensors header and checks all that it claims, so that a reader may trust it.
 * The rules are those of the format (github.com/huggingface/safetensors, "Format"): no duplicate names, offsets that
 * cover the data without overlap or hole, byte lengths equal to shape times dtype.
 *
 * @param dataBytes How many bytes the file holds after its header.
 * @throws ERR_FINETAG_MODEL that names the file and the tensor.
 */
export function parseHeader(path: string, text: string, dataBytes: number): SafetensorsHeader {
  const json = parseObject(path, text);
  const header: SafetensorsHeader = { metadata: {}, entries: [] };
  for (const [name, value] of Object.entries(json)) {
    if (name === "__metadata__") header.metadata = checkMetadata(path, value);
    else header.entries.push(checkEntry(path, name, value));
  }
  header.entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCover(path, header.entries, dataBytes);
  return header;
}

function parseObject(path: string, text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw damaged(path, "the safetensors header is not JSON");
  }
  if (!isObject(json) || !text.startsWith("{"))
    throw damaged(path, "the safetensors header is not a JSON object");
  const twice = firstDuplicateKey(text);
  if (twice !== undefined) throw damaged(path, `the safetensors header names ${JSON.stringify(twice)} twice`);
  return json;
}

/**
 * JSON.parse keeps the last of two equal keys in silence. `text` is valid JSON whose top level is an object; its values
 * have to be objects as well, so each string at depth 1 is a key.
 */
function firstDuplicateKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    if (character !== '"') continue;
    const start = i;
    i = endOfString(text, start);
    if (depth !== 1) continue;
    const key = JSON.parse(text.slice(start, i + 1)) as string;
    if (seen.has(key)) return key;
    seen.add(key);
  }
  return undefined;
}

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i;
}

function checkMetadata(path: string, value: unknown): Record<string, string> {
  if (!isObject(value) || !Object.values(value).every((item) => typeof item === "string")) {
    throw damaged(path, "the safetensors metadata is not an object of strings");
  }
  return value as Record<string, string>;
}

function checkEntry(path: string, name: string, value: unknown): PlacedEntry {
  const bad = (what: string) => damaged(path, `tensor ${JSON.stringify(name)} ${what}`);
  if (!isObject(value)) throw bad("is not described by an object");
  const { dtype, shape, data_offsets: offsets } = value;
  const itemBytes =
    typeof dtype === "string" && Object.hasOwn(DTYPE_BYTES, dtype) ? DTYPE_BYTES[dtype] : undefined;
  if (itemBytes === undefined)
    throw bad(`has the unknown dtype ${typeof dtype === "string" ? JSON.stringify(dtype) : typeof dtype}`);
  if (!isShape(shape)) throw bad("has a shape that is not a list of up to 64 counts");
  if (!isCounts(offsets) || offsets.length !== 2) throw bad("does not have two data offsets");
  const [begin, end] = offsets as [number, number];
  if (end < begin) throw bad(`ends at byte ${end}, before it begins at byte ${begin}`);
  const expected = itemBytes * countElements(shape);
  if (expected !== end - begin) {
    throw bad(`of ${dtype} [${shape.join(", ")}] needs ${expected} bytes and has ${end - begin}`);
  }
  return { name, dtype: dtype as string, shape, begin, end };
}

function checkCover(path: string, entries: PlacedEntry[], dataBytes: number): void {
  let end = 0;
  for (const entry of entries) {
    if (entry.begin < end)
      throw damaged(path, `tensor ${JSON.stringify(entry.name)} overlaps the previous one`);
    if (entry.begin > end)
      throw damaged(
        path,
        `there is a hole of ${entry.begin - end} bytes before ${JSON.stringify(entry.name)}`,
      );
    end = entry.end;
  }
  if (end > dataBytes)
    throw damaged(
      path,
      `truncated: there should be ${end} bytes after the header, but there are ${dataBytes}`,
    );
  if (end < dataBytes) throw damaged(path, `${dataBytes - end} bytes belong to no tensor`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

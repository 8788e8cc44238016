import { type FinetagError, oneLine } from "../../../errors/index.ts";
import { dataError } from "../../errors.ts";
import { readBytes } from "../container/index.ts";
import type { ObjectRecord, ObjectSource } from "../object-table.ts";
import { registerCodecs } from "./arrow-codecs.ts";
import { classNames, toNames } from "./class-names.ts";
import { columnName, plainValue } from "./values.ts";

/** How an Arrow IPC file (Feather 2) begins; a stream begins with a message. */
const FILE_MAGIC = "ARROW1\0\0";
const CONTINUATION = 0xffffffff;

/** No batch that a program writes comes near it. */
const MESSAGE_LIMIT = 1024 * 1024 * 1024;

/** The types of messages, as Arrow's Message.fbs numbers them. */
const SCHEMA = 1;
const DICTIONARY = 2;
const RECORDS = 3;

const END_OF_STREAM = new Uint8Array([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

/** Whether a file is an Arrow IPC file, or a stream whose first message is a schema. */
export function isArrow(head: Buffer): boolean {
  if (head.toString("latin1", 0, 6) === "ARROW1") return true;
  if (head.length < 16 || head.readUInt32LE(0) !== CONTINUATION) return false;
  const length = head.readUInt32LE(4);
  return length > 8 && length < 64 * 1024 * 1024 && length % 8 === 0;
}

/**
 * An Arrow IPC file or stream, read by flechette: one batch of records at a time. `row` is the number of the row, from 1.
 */
export async function arrowSource(path: string): Promise<ObjectSource> {
  const flechette = await import("@uwdata/flechette");
  await registerCodecs(flechette);
  const decode = (messages: Uint8Array[]) => {
    try {
      return flechette.tableFromIPC([...messages, END_OF_STREAM], { useBigInt: true, useDate: true });
    } catch (cause) {
      throw damaged(path, (cause as Error).message);
    }
  };
  const schema = await firstMessage(path);
  const { fields, metadata } = decode([schema]).schema;
  const stored = fields.map(({ name }) => name);
  const columns = stored.map(columnName);
  const named = classNames(metadata?.get("huggingface"));

  async function* objects(
    signal?: AbortSignal,
    names: readonly string[] = columns,
  ): AsyncGenerator<ObjectRecord[], void, undefined> {
    const wanted = stored.filter((name) => names.includes(columnName(name)));
    const before: Uint8Array[] = [];
    let row = 1;
    for await (const { type, bytes } of readMessages(path, signal)) {
      if (type !== RECORDS) {
        before.push(bytes);
        continue;
      }
      const table = decode([...before, bytes]);
      const records: ObjectRecord[] = [];
      try {
        const cells = wanted.map((name) => {
          const column = table.getChild(name);
          const names = named.get(name);
          const value = (i: number) => plainValue(column.at(i));
          return [
            columnName(name),
            names === undefined ? value : (i: number) => toNames(value(i), names),
          ] as const;
        });
        for (let i = 0; i < table.numRows; i++) {
          records.push({
            row: row++,
            object: Object.fromEntries(cells.map(([name, value]) => [name, value(i)])),
          });
        }
      } catch (cause) {
        throw damaged(path, (cause as Error).message);
      }
      if (records.length > 0) yield records;
    }
  }
  const source = {
    container: "plain",
    format: "arrow",
    encoding: undefined,
    files: [path],
    notes: [],
  } as const;
  return { path, format: "arrow", source, columns, classNames: named, objects };
}

async function firstMessage(path: string): Promise<Uint8Array> {
  for await (const { type, bytes } of readMessages(path)) if (type === SCHEMA) return bytes;
  throw damaged(path, "it has no schema");
}

interface Message {
  type: number;
  /** The message with its body, in a form that stands alone. */
  bytes: Uint8Array;
}

/**
 * Cuts a file or stream into its messages, as Arrow's format lays them out: a length, metadata, and a body whose length the
 * metadata has.
 */
async function* readMessages(path: string, signal?: AbortSignal): AsyncGenerator<Message, void, undefined> {
  const chunks = readBytes(path, signal);
  try {
    yield* cutMessages(path, new ByteReader(chunks));
  } finally {
    await chunks.return();
  }
}

async function* cutMessages(path: string, reader: ByteReader): AsyncGenerator<Message, void, undefined> {
  let prefix = await reader.take(8);
  if (prefix?.toString("latin1") === FILE_MAGIC) prefix = await reader.take(8);
  for (; prefix !== undefined; prefix = await reader.take(8)) {
    const length = prefix.readUInt32LE(4);
    if (length === 0) return;
    if (prefix.readUInt32LE(0) !== CONTINUATION || length > MESSAGE_LIMIT)
      throw damaged(path, "a message is wrong");
    const metadata = await reader.take(length);
    if (metadata === undefined) throw cutOff(path);
    const { type, bodyLength } = describe(path, metadata);
    if (bodyLength > MESSAGE_LIMIT) throw damaged(path, "a batch of more than 1 GiB");
    const body = await reader.take(bodyLength);
    if (body === undefined) throw cutOff(path);
    if (type === SCHEMA || type === DICTIONARY || type === RECORDS) {
      yield { type, bytes: new Uint8Array(Buffer.concat([prefix, metadata, body])) };
    }
  }
  if (reader.left > 0) throw cutOff(path);
}

/** The fields of a Message (Message.fbs) that are needed to cut: a flatbuffer's table begins with its vtable's distance. */
function describe(path: string, metadata: Buffer): { type: number; bodyLength: number } {
  try {
    const table = metadata.readUInt32LE(0);
    const vtable = table - metadata.readInt32LE(table);
    const at = (field: number) => {
      const entry = 4 + 2 * field;
      const offset = entry < metadata.readUInt16LE(vtable) ? metadata.readUInt16LE(vtable + entry) : 0;
      return offset === 0 ? undefined : table + offset;
    };
    const [type, body] = [at(1), at(3)];
    return {
      type: type === undefined ? 0 : metadata.readUInt8(type),
      bodyLength: body === undefined ? 0 : Number(metadata.readBigInt64LE(body)),
    };
  } catch {
    throw damaged(path, "a message is wrong");
  }
}

function cutOff(path: string) {
  return dataError(path, undefined, "is cut off: its Arrow data ends early; copy or download it again");
}

function damaged(path: string, why: string): FinetagError {
  return dataError(path, undefined, `cannot be read as Arrow: ${oneLine(why)}; save it as Parquet or CSV`);
}

/** Gives exactly as many bytes as are asked for. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #pieces: Buffer[] = [];
  left = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** @returns undefined where the file ends before. */
  async take(length: number): Promise<Buffer | undefined> {
    while (this.left < length) {
      const next = await this.#chunks.next();
      if (next.done) return undefined;
      this.#pieces.push(next.value);
      this.left += next.value.length;
    }
    const taken: Buffer[] = [];
    for (let missing = length; missing > 0; ) {
      const piece = this.#pieces.shift()!;
      taken.push(piece.subarray(0, missing));
      if (piece.length > missing) this.#pieces.unshift(piece.subarray(missing));
      missing -= Math.min(missing, piece.length);
    }
    this.left -= length;
    return taken.length === 1 ? taken[0]! : Buffer.concat(taken);
  }
}

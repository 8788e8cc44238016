import { FinetagError } from "../../errors/index.ts";
import { damaged } from "../tensors.ts";

/** Something that a pickle may name: what it is called, and what calling it with arguments gives. */
export interface Known {
  readonly global: string;
  call?(args: unknown[]): unknown;
}

/** What the caller of {@link unpickle} knows. */
export interface PickleContext {
  /** For messages. */
  path: string;
  /** By `module.name`. */
  globals: ReadonlyMap<string, Known>;
  /** What a persistent id stands for: to torch, a storage. */
  persistent?(id: unknown): unknown;
}

/** The bytes end before the pickle does: where they are the beginning of a file, more of it is needed. */
export class PickleEndError extends Error {}

/**
 * Reads one pickle.
 *
 * A restricted reader of Python's pickle format, protocols 2 to 5, with the opcodes that `torch.save` leaves and those
 * that Python's own pickler would use for the same data (Lib/pickletools.py describes them all). It builds plain values
 * and the few objects of its caller; a pickle that names anything else is refused by that name. Nothing is ever run.
 *
 * | Python | here |
 * |---|---|
 * | None, bool, str, bytes | null, boolean, string, Uint8Array |
 * | int, float | number; bigint where an int is too large |
 * | list, tuple | array |
 * | dict, OrderedDict | Map |
 * | set, frozenset | Set |
 *
 * @returns The value, and where the bytes after the pickle begin.
 * @throws ERR_FINETAG_MODEL for a global that is not known, an opcode that is not read, or a pickle that is damaged;
 *   {@link PickleEndError}.
 */
export function unpickle(
  bytes: Uint8Array,
  begin: number,
  context: PickleContext,
): { value: unknown; end: number } {
  const machine = new Machine(new Cursor(bytes, begin), context);
  const value = machine.run();
  return { value, end: machine.cursor.position };
}

/** Reads little-endian numbers and texts, and never beyond the end. */
class Cursor {
  position: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
  }

  take(length: number): Uint8Array {
    const end = this.position + length;
    if (end > this.#bytes.byteLength) throw new PickleEndError("the pickle is cut off");
    const taken = this.#bytes.subarray(this.position, end);
    this.position = end;
    return taken;
  }

  uint8 = (): number => this.#view.getUint8(this.#advance(1));
  uint16 = (): number => this.#view.getUint16(this.#advance(2), true);
  uint32 = (): number => this.#view.getUint32(this.#advance(4), true);
  int32 = (): number => this.#view.getInt32(this.#advance(4), true);
  /** A length; as a number it may be rounded, but then it is beyond any file's end. */
  uint64 = (): number => Number(this.#view.getBigUint64(this.#advance(8), true));
  float64 = (): number => this.#view.getFloat64(this.#advance(8), false);

  text(length: number): string {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(length));
  }

  /** Up to a line feed, which is left out. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.position);
    if (end === -1) throw new PickleEndError("the pickle is cut off");
    const line = this.text(end - this.position);
    this.position = end + 1;
    return line;
  }

  #advance(length: number): number {
    const at = this.position;
    this.take(length);
    return at;
  }
}

/** Torch's own integers have at most ten bytes; a long one is costly to build. */
const INTEGER_LIMIT_BYTES = 64;

/** Of opcodes: BERT-large takes some 30,000. Each can build an object far larger than the byte that asks for it. */
const STEPS_LIMIT = 500_000;

/** Pushed by the opcode MARK; cuts the stack where a list of items begins. */
const MARK = Symbol("mark");
const STOP = 0x2e;

class Machine {
  readonly cursor: Cursor;
  readonly #context: PickleContext;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(cursor: Cursor, context: PickleContext) {
    this.cursor = cursor;
    this.#context = context;
  }

  run(): unknown {
    for (let steps = 0; ; steps += 1) {
      if (steps === STEPS_LIMIT) throw this.#bad("the pickle builds more objects than any model's");
      const code = this.cursor.uint8();
      if (code === STOP) return this.#pop();
      const step = this.#steps[code];
      if (step !== undefined) step();
      else {
        const at = this.cursor.position - 1;
        throw this.#bad(
          `opcode 0x${code.toString(16).padStart(2, "0")} at byte ${at} does not belong in a file of weights`,
        );
      }
    }
  }

  /** By opcode; names as in pickletools. */
  readonly #steps: Readonly<Record<number, () => void>> = {
    128: () => this.#protocol(),
    149: () => void this.cursor.take(8), // FRAME: only a hint for readers of streams
    40: () => this.#push(MARK),
    48: () => void this.#stack.pop(), // POP
    49: () => void this.#toMark(), // POP_MARK
    50: () => this.#push(this.#top()), // DUP

    78: () => this.#push(null),
    136: () => this.#push(true),
    137: () => this.#push(false),
    74: () => this.#push(this.cursor.int32()), // BININT
    75: () => this.#push(this.cursor.uint8()), // BININT1
    77: () => this.#push(this.cursor.uint16()), // BININT2
    138: () => this.#push(this.#integer(this.cursor.uint8())), // LONG1
    139: () => this.#push(this.#integer(this.cursor.uint32())), // LONG4
    71: () => this.#push(this.cursor.float64()), // BINFLOAT
    88: () => this.#push(this.cursor.text(this.cursor.uint32())), // BINUNICODE
    140: () => this.#push(this.cursor.text(this.cursor.uint8())), // SHORT_BINUNICODE
    141: () => this.#push(this.cursor.text(this.cursor.uint64())), // BINUNICODE8
    84: () => this.#push(this.cursor.text(this.cursor.uint32())), // BINSTRING: a str of Python 2
    85: () => this.#push(this.cursor.text(this.cursor.uint8())), // SHORT_BINSTRING
    66: () => this.#push(this.cursor.take(this.cursor.uint32())), // BINBYTES
    67: () => this.#push(this.cursor.take(this.cursor.uint8())), // SHORT_BINBYTES
    142: () => this.#push(this.cursor.take(this.cursor.uint64())), // BINBYTES8

    41: () => this.#push([]), // EMPTY_TUPLE
    93: () => this.#push([]), // EMPTY_LIST
    125: () => this.#push(new Map()), // EMPTY_DICT
    143: () => this.#push(new Set()), // EMPTY_SET
    116: () => this.#push(this.#toMark()), // TUPLE
    108: () => this.#push(this.#toMark()), // LIST
    133: () => this.#push(this.#popMany(1)),
    134: () => this.#push(this.#popMany(2)),
    135: () => this.#push(this.#popMany(3)),
    145: () => this.#push(new Set(this.#toMark())), // FROZENSET
    97: () => this.#append([this.#pop()]),
    101: () => this.#append(this.#toMark()),
    144: () => this.#addItems(this.#toMark()),
    115: () => this.#setItems(this.#popMany(2)),
    117: () => this.#setItems(this.#toMark()),

    113: () => this.#memo.set(this.cursor.uint8(), this.#top()), // BINPUT
    114: () => this.#memo.set(this.cursor.uint32(), this.#top()), // LONG_BINPUT
    148: () => this.#memo.set(this.#memo.size, this.#top()), // MEMOIZE
    104: () => this.#get(this.cursor.uint8()),
    106: () => this.#get(this.cursor.uint32()),

    99: () => this.#push(this.#global(this.cursor.line(), this.cursor.line())), // GLOBAL
    147: () => this.#stackGlobal(),
    105: () => this.#call([this.#global(this.cursor.line(), this.cursor.line()), this.#toMark()]), // INST
    129: () => this.#call(this.#popMany(2)), // NEWOBJ
    82: () => this.#call(this.#popMany(2)), // REDUCE
    98: () => this.#build(),
    81: () => this.#push(this.#persistent(this.#pop())), // BINPERSID
  };

  #protocol(): void {
    const protocol = this.cursor.uint8();
    if (protocol < 2 || protocol > 5) throw this.#bad(`finetag does not read pickle protocol ${protocol}`);
  }

  #push(value: unknown): void {
    this.#stack.push(value);
  }

  #top(): unknown {
    if (this.#stack.length === 0) throw this.#bad("the pickle pops from an empty stack");
    return this.#stack.at(-1);
  }

  #pop(): unknown {
    const value = this.#top();
    this.#stack.pop();
    if (value === MARK) throw this.#bad("the pickle pops from an empty stack");
    return value;
  }

  #popMany(count: number): unknown[] {
    const values = Array.from({ length: count }, () => this.#pop());
    return values.reverse();
  }

  #toMark(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark === -1) throw this.#bad("the pickle pops from an empty stack");
    return this.#stack.splice(mark).slice(1);
  }

  #get(index: number): void {
    if (!this.#memo.has(index)) throw this.#bad(`the pickle reads value ${index}, which it has not stored`);
    this.#push(this.#memo.get(index));
  }

  #integer(length: number): number | bigint {
    if (length > INTEGER_LIMIT_BYTES) throw this.#bad(`the pickle has an integer of ${length} bytes`);
    let value = 0n;
    for (const byte of this.cursor.take(length).toReversed()) value = (value << 8n) | BigInt(byte);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #append(items: unknown[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw this.#bad("the pickle appends to something other than a list");
    for (const item of items) list.push(item);
  }

  #addItems(items: unknown[]): void {
    const set = this.#top();
    if (!(set instanceof Set)) throw this.#bad("the pickle adds to something other than a set");
    for (const item of items) set.add(item);
  }

  #setItems(items: unknown[]): void {
    const map = this.#top();
    if (!(map instanceof Map) || items.length % 2 !== 0)
      throw this.#bad("the pickle sets items of something other than a dict");
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  }

  #stackGlobal(): void {
    const [module, name] = this.#popMany(2);
    this.#push(this.#global(String(module), String(name)));
  }

  #global(module: string, name: string): Known {
    const global = `${module}.${name}`;
    const known = this.#context.globals.get(global);
    if (known !== undefined) return known;
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${this.#context.path}: asks Python for ${JSON.stringify(global)}, which finetag refuses: plain weights never need it; ` +
        "nothing was run. If you trust the file, save the model's weights alone: `torch.save(model.state_dict(), path)`",
    );
  }

  #call([callee, args]: unknown[]): void {
    const { global, call } = (callee ?? {}) as Partial<Known>;
    if (call === undefined || !Array.isArray(args)) {
      throw this.#bad(`the pickle calls ${global ?? "something that cannot be called"}`);
    }
    this.#push(call(args));
  }

  /** Gives an object its attributes, of which only an OrderedDict's may be passed over (a state dict's `_metadata`). */
  #build(): void {
    this.#pop();
    if (!(this.#top() instanceof Map))
      throw this.#bad("the pickle gives attributes to something that has none");
  }

  #persistent(id: unknown): unknown {
    if (this.#context.persistent === undefined) throw this.#bad("the pickle refers to data outside of it");
    return this.#context.persistent(id);
  }

  #bad(what: string): FinetagError {
    return damaged(this.#context.path, what);
  }
}

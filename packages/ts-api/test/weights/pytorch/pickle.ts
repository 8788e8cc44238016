/** A pickle of protocol 2, of parts that need not make sense. */
export class Pickle {
  readonly #parts: Buffer[] = [Buffer.from([0x80, 2])];

  op(code: string, ...rest: (number | Buffer)[]): this {
    const bytes = rest.map((part) => (typeof part === "number" ? Buffer.of(part) : part));
    this.#parts.push(Buffer.from(code, "latin1"), ...bytes);
    return this;
  }

  text(value: string): this {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(value.length);
    return this.op("X", length, Buffer.from(value));
  }

  int(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return this.op("J", bytes);
  }

  long(value: bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return this.op("\x8a", 8, bytes);
  }

  tuple(values: (number | bigint)[]): this {
    this.op("(");
    for (const value of values) typeof value === "bigint" ? this.long(value) : this.int(value);
    return this.op("t");
  }

  /** A dict of one tensor, of a float storage. */
  tensor(of: Parameters<Pickle["entry"]>[0] = {}): this {
    return this.op("}").entry(of);
  }

  /** One more tensor for the dict before it. */
  entry({
    name = "a",
    elements = 2,
    offset = 0,
    shape = [2],
    stride = [1],
    view = [] as (number | bigint)[],
    key = "0",
  } = {}): this {
    this.text(name).op("ctorch._utils\n_rebuild_tensor_v2\n").op("(");
    this.op("(").text("storage").op("ctorch\nFloatStorage\n").text(key).text("cpu").int(elements);
    if (view.length > 0) this.tuple(view);
    else this.op("N");
    return this.op("tQ").int(offset).tuple(shape).tuple(stride).op("\x89N").op("tRs");
  }

  end(): Buffer {
    return Buffer.concat([...this.#parts, Buffer.from(".")]);
  }
}

/** The form before PyTorch 1.6, with one storage of two floats. */
export function legacy(
  pickle: Buffer,
  keys = ["0"],
  littleEndian = true,
  data = Buffer.alloc(16, 1),
): Buffer {
  data.writeBigInt64LE(BigInt((data.byteLength - 8) / 4), 0);
  const list = new Pickle().op("](");
  for (const key of keys) list.text(key);
  return Buffer.concat([
    new Pickle().op("\x8a", 10, Buffer.from("6cfc9c46f9206aa85019", "hex")).end(),
    new Pickle().op("M", 0xe9, 3).end(),
    new Pickle()
      .op("}")
      .text("little_endian")
      .op(littleEndian ? "\x88" : "\x89")
      .op("s")
      .end(),
    pickle,
    list.op("e").end(),
    data,
  ]);
}

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

  /** A dict of one tensor `a` of a float storage `0`. */
  tensor({
    elements = 2,
    offset = 0,
    shape = [2],
    stride = [1],
    view = [] as (number | bigint)[],
    key = "0",
  } = {}): this {
    this.op("}").text("a").op("ctorch._utils\n_rebuild_tensor_v2\n").op("(");
    this.op("(").text("storage").op("ctorch\nFloatStorage\n").text(key).text("cpu").int(elements);
    if (view.length > 0) this.tuple(view);
    else this.op("N");
    return this.op("tQ").int(offset).tuple(shape).tuple(stride).op("\x89N").op("tRs");
  }

  end(): Buffer {
    return Buffer.concat([...this.#parts, Buffer.from(".")]);
  }
}

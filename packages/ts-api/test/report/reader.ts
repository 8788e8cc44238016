/**
 * Reads TensorBoard event files by hand, byte by byte, sharing nothing with the writer but the published formats:
 * TFRecord framing, CRC-32C computed bit by bit, and protobuf's wire format.
 */
export interface ReadEvent {
  wallTime: number;
  /** 0 where absent, as in proto3. */
  step: number;
  fileVersion?: string;
  sessionStatus?: number;
  values?: { tag: string; simpleValue?: number; text?: string; plugin?: string }[];
}

export function readEvents(file: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    check(file.subarray(at, at + 8), file.readUInt32LE(at + 8));
    const data = file.subarray(at + 12, at + 12 + length);
    check(data, file.readUInt32LE(at + 12 + length));
    events.push(readEvent(data));
    at += length + 16;
  }
  return events;
}

function check(bytes: Buffer, stored: number): void {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  crc = (crc ^ 0xffffffff) >>> 0;
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  if (masked !== stored) throw new Error(`checksum ${stored} should be ${masked}`);
}

function readEvent(data: Buffer): ReadEvent {
  const event: ReadEvent = { wallTime: 0, step: 0 };
  for (const [id, value] of fields(data)) {
    if (id === 1) event.wallTime = (value as Buffer).readDoubleLE(0);
    if (id === 2) event.step = Number(value);
    if (id === 3) event.fileVersion = String(value);
    if (id === 5)
      event.values = fields(value as Buffer).map(([, summaryValue]) => readValue(summaryValue as Buffer));
    if (id === 7) event.sessionStatus = Number(fields(value as Buffer)[0]?.[1]);
  }
  return event;
}

function readValue(data: Buffer): NonNullable<ReadEvent["values"]>[number] {
  const value: NonNullable<ReadEvent["values"]>[number] = { tag: "" };
  for (const [id, part] of fields(data)) {
    if (id === 1) value.tag = String(part);
    if (id === 2) value.simpleValue = (part as Buffer).readFloatLE(0);
    if (id === 8) value.text = String(fields(part as Buffer).find(([field]) => field === 8)?.[1]);
    if (id === 9) {
      const plugin = fields(part as Buffer).find(([field]) => field === 1)?.[1] as Buffer;
      value.plugin = String(fields(plugin)[0]?.[1]);
    }
  }
  return value;
}

/** Fields in order: a bigint for a varint, bytes for all else. */
function fields(data: Buffer): [id: number, value: bigint | Buffer][] {
  const found: [number, bigint | Buffer][] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < data.length) {
    const key = Number(varint());
    const wire = key & 7;
    if (wire === 0) {
      found.push([key >> 3, varint()]);
      continue;
    }
    const size = wire === 1 ? 8 : wire === 5 ? 4 : Number(varint());
    found.push([key >> 3, data.subarray(at, at + size)]);
    at += size;
  }
  return found;
}

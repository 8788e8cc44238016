/** Zip archives of torch.save that are not what they say, made by hand. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { expect, it } from "vitest";
import { openPytorch } from "../../../src/weights/pytorch/read.ts";
import { folder as dir, folderForEach } from "../../folder.ts";
import { readAll } from "../tensors.ts";
import { Pickle } from "./pickle.ts";

folderForEach();

interface Entry {
  name: string;
  data: Buffer;
  deflated?: boolean;
  /** That the list claims, in place of the truth. */
  bytes?: number;
  /** Where the list says that it begins, in place of the truth. */
  at?: number;
}

/** APPNOTE.TXT, 4.3: the entries, their list, and where that is. */
function zipOf(entries: Entry[]): Buffer {
  const parts: Buffer[] = [];
  const list: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const { name, data } = entry;
    const stored = entry.deflated ? deflateRawSync(data) : data;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version
    common.writeUInt16LE(entry.deflated ? 8 : 0, 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(entry.deflated ? stored.length : (entry.bytes ?? stored.length), 14);
    common.writeUInt32LE(entry.bytes ?? data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(entry.at ?? at, 10);
    list.push(Buffer.from("PK\x01\x02\x14\0", "latin1"), common, place, Buffer.from(name));
    const local = [Buffer.from("PK\x03\x04", "latin1"), common, Buffer.from(name), stored];
    parts.push(...local);
    at += Buffer.concat(local).length;
  }
  const listed = Buffer.concat(list);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, listed, Buffer.from("PK\x05\x06", "latin1"), end]);
}

const floats = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer);

/** Two tensors, `m.a` and `n.a`, in storages 0 and 1 of two floats each. */
const PICKLE: Entry = {
  name: "x/data.pkl",
  data: new Pickle().op("}").text("m").tensor().op("s").text("n").tensor({ key: "1" }).op("s").end(),
};
const FIRST: Entry = { name: "x/data/0", data: floats(1, 2) };
const SECOND: Entry = { name: "x/data/1", data: floats(3, 4) };

/** The place of an entry behind others. */
const after = (...entries: Entry[]) =>
  entries.reduce((sum, { name, data }) => sum + 30 + name.length + data.length, 0);

it("is read where it is", async () => {
  await writeFile(join(dir, "a.bin"), zipOf([PICKLE, FIRST, SECOND]));
  expect(await readAll(await openPytorch(join(dir, "a.bin")))).toEqual({ "m.a": [1, 2], "n.a": [3, 4] });
});

/** Of a data.pkl. */
const LIMIT = 32 * 1024 * 1024;
const cases: [string, Entry[], string][] = [
  [
    "has one place for two storages",
    [PICKLE, FIRST, { ...FIRST, name: "x/data/1", at: after(PICKLE) }],
    'storage "1" overlaps what comes before it',
  ],
  ["has two entries of one name", [PICKLE, FIRST, SECOND, FIRST], 'it has "x/data/0" twice'],
  [
    "has a storage that begins at no entry",
    [PICKLE, FIRST, { ...SECOND, at: 3 }],
    "invalid local file header signature",
  ],
  [
    "has a storage that ends in the archive's list",
    [PICKLE, FIRST, { ...SECOND, bytes: 100 }],
    'storage "1" of 2 F32 has 100 bytes',
  ],
  [
    "has a storage that ends behind its end",
    [PICKLE, FIRST, { ...SECOND, bytes: 0xffff_fffe }],
    "file data overflows file bounds",
  ],
  [
    "claims a data.pkl of 33 MiB",
    [{ ...PICKLE, bytes: LIMIT + (1 << 20) }, FIRST, SECOND],
    `"x/data.pkl" claims ${LIMIT + (1 << 20)} bytes, more than it can have`,
  ],
  [
    "claims a data.pkl of one byte more than is read",
    [{ ...PICKLE, bytes: LIMIT + 1 }, FIRST, SECOND],
    `"x/data.pkl" claims ${LIMIT + 1} bytes, more than it can have`,
  ],
  [
    "claims a data.pkl of all that is read, without having it",
    [{ ...PICKLE, bytes: LIMIT }, FIRST, SECOND],
    "file data overflows file bounds",
  ],
  [
    "claims a byte order of many letters",
    [PICKLE, { name: "x/byteorder", data: Buffer.from("little".repeat(3)) }, FIRST, SECOND],
    '"x/byteorder" claims 18 bytes, more than it can have',
  ],
  [
    "has a data.pkl that would unpack to a thousand times its bytes",
    [{ name: "x/data.pkl", data: Buffer.alloc(LIMIT, "}"), deflated: true }, FIRST, SECOND],
    '"x/data.pkl" is compressed or encrypted, which torch.save never does',
  ],
  [
    "has one storage that is deflated among others that are not",
    [PICKLE, FIRST, { ...SECOND, deflated: true }],
    '"x/data/1" is compressed or encrypted, which torch.save never does; save the model again with torch.save',
  ],
  ["lacks a storage", [PICKLE, FIRST], 'the data of storage "1" is missing'],
  ["has no data.pkl", [FIRST, SECOND], "0 entries named data.pkl, not 1"],
  [
    "has two of data.pkl",
    [PICKLE, FIRST, SECOND, { ...PICKLE, name: "y/data.pkl" }],
    "2 entries named data.pkl, not 1",
  ],
];

it.each(cases)("%s", async (_, entries, message) => {
  await writeFile(join(dir, "a.bin"), zipOf(entries));
  const error = await openPytorch(join(dir, "a.bin")).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL", message: expect.stringContaining(message) });
  expect(error.message).toMatch(/^[^\n]*a\.bin: [^\n]*; [^\n]*$/);
});

it("has a storage that lies within another one", async () => {
  // The outer one's bytes hold a record of the inner one, and its data.
  const record = { ...SECOND, name: "x/data/one" }; // as long as makes it a number of whole floats
  const inner = zipOf([record]).subarray(0, after(record));
  const elements = inner.length / 4;
  const pickle = new Pickle()
    .op("}")
    .text("m")
    .tensor({ elements, shape: [elements] })
    .op("s");
  const data = pickle.text("n").tensor({ key: "1" }).op("s").end();
  const entries = [
    { name: "x/data.pkl", data },
    { name: "x/data/0", data: inner },
  ];
  const at = after(...entries) - inner.length;
  await writeFile(join(dir, "a.bin"), zipOf([...entries, { ...SECOND, at }]));
  await expect(openPytorch(join(dir, "a.bin"))).rejects.toMatchObject({
    code: "ERR_FINETAG_MODEL",
    message: expect.stringContaining('a.bin: storage "1" overlaps what comes before it; the file is damaged'),
  });
});

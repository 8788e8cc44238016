import { crc32, deflateRawSync } from "node:zlib";

/**
 * A zip of a few files, made by hand so that it can hold what no archiver writes: paths that climb out, links.
 *
 * @param files name -> text, or { text, mode }
 */
export function makeZip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, value] of Object.entries(files)) {
    const { text, mode = 0o100644 } = typeof value === "string" ? { text: value } : value;
    const nameBytes = Buffer.from(name);
    const data = Buffer.from(text);
    const packed = deflateRawSync(data);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0); // version needed
    fields.writeUInt16LE(8, 4); // deflate
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(data.length, 18);
    fields.writeUInt16LE(nameBytes.length, 22);
    parts.push(Buffer.from("PK\x03\x04", "latin1"), fields, nameBytes, packed);

    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6); // external attributes
    tail.writeUInt32LE(offset, 10);
    const madeByUnix = Buffer.from([20, 3]);
    directory.push(Buffer.from("PK\x01\x02", "latin1"), madeByUnix, fields, tail, nameBytes);
    offset += 4 + fields.length + nameBytes.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

/** What a libtorch zip looks like, in small; with `filler` bytes that don't compress away. */
export function fakeLibtorch(extra = {}, filler = 0) {
  let noise = "";
  for (let state = 1; noise.length < filler; state = (state * 48271) % 2147483647)
    noise += state.toString(36);
  return {
    "libtorch/build-version": "2.13.0+cpu\n",
    "libtorch/include/torch/torch.h": "#pragma once\n",
    "libtorch/lib/libtorch_cpu.so": noise,
    "libtorch/lib/libtorch_python.so": "left out",
    "libtorch/lib/libc10.so": "c10",
    "libtorch/bin/test_api": "left out",
    "libtorch/share/cmake/Torch/TorchConfig.cmake": "#\n",
    "libtorch/LICENSE": "BSD",
    ...extra,
  };
}

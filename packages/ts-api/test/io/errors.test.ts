import { readdirSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { expect, it } from "vitest";
import { checkWritable, ioError, writeFileAtomic } from "../../src/io/index.ts";

/** An error as Node throws it where libuv does not know the number. */
function unnamed(errno: number): NodeJS.ErrnoException {
  const code = `Unknown system error -${errno}`;
  return Object.assign(new Error(`${code}: ${code}, write`), { errno: -errno, code, syscall: "write" });
}

it.each([
  ["EDQUOT", constants.errno.EDQUOT, "the disk quota is used up; free space or ask for a larger quota"],
  ["ESTALE", constants.errno.ESTALE, "the network file system no longer knows it; mount it again"],
  ["ENOLCK", constants.errno.ENOLCK, "it cannot be written (ENOLCK)"],
])("%s is known by its number", (_, errno, said) => {
  expect(ioError(unnamed(errno), "write", "out/model")).toMatchObject({
    code: "ERR_FINETAG_IO",
    kind: "environment",
    message: expect.stringMatching(new RegExp(`^out/model: ${said.replaceAll(/[()]/g, "\\$&")}`)),
  });
});

it.skipIf(process.platform !== "linux")("so are those that Node names nowhere", () => {
  expect(ioError(unnamed(117), "read", "a")).toMatchObject({
    message: "a: the file system is damaged; check the disk",
  });
  expect(ioError(unnamed(133), "read", "a")).toMatchObject({ message: "a: it cannot be read (error 133)" });
});

it.skipIf(process.platform !== "linux")("a full device has no older file to speak of", async () => {
  await expect(writeFileAtomic("/dev/full", "x")).rejects.toThrow(
    /^\/dev\/full: no space left on the device; free space$/,
  );
});

it.skipIf(process.platform !== "linux")("a descriptor of Node's own is none to write into", async () => {
  const own = readdirSync("/proc/self/fd").find((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("anon_inode:");
    } catch {
      return false; // that of the list itself
    }
  });
  expect(own).toBeDefined();
  await expect(checkWritable(`/dev/fd/${own}`)).rejects.toThrow(
    `/dev/fd/${own}: finetag has no open file of that number`,
  );
});

import { expect, it } from "vitest";
import { FinetagError, nearest, throwIfAborted } from "../../src/errors/index.ts";
import { ioError } from "../../src/io/index.ts";

it("has the kind of its code, unless it states another", () => {
  expect(new FinetagError("ERR_FINETAG_DATA", "x")).toMatchObject({ kind: "input", option: undefined });
  expect(new FinetagError("ERR_FINETAG_DOWNLOAD", "x").kind).toBe("environment");
  expect(new FinetagError("ERR_FINETAG_NATIVE", "x").kind).toBe("internal");
  const cause = new Error("404");
  const error = new FinetagError("ERR_FINETAG_DOWNLOAD", "x", { kind: "input", option: "revision", cause });
  expect(error).toMatchObject({ kind: "input", option: "revision", cause });
});

it.each([
  ["ENOENT", "input"],
  ["ENOTDIR", "input"],
  ["EISDIR", "input"],
  ["ENAMETOOLONG", "input"],
  ["ENOSPC", "environment"],
  ["EDQUOT", "environment"],
  ["EACCES", "environment"],
  ["EROFS", "environment"],
  ["EIO", "environment"],
  ["EMFILE", "environment"],
  ["EWHATEVER", "environment"],
])("%s is of kind %s", (code, kind) => {
  const system = Object.assign(new Error("it failed"), { code, syscall: "open" });
  expect(ioError(system, "read", "some/file")).toMatchObject({ code: "ERR_FINETAG_IO", kind, cause: system });
});

it("says what an abort stopped, and keeps its reason", () => {
  const controller = new AbortController();
  throwIfAborted(undefined);
  throwIfAborted(controller.signal, "data.csv");
  controller.abort("enough");
  expect(() => throwIfAborted(controller.signal)).toThrow(/^stopped by the caller$/);
  expect(() => throwIfAborted(controller.signal, "data.csv")).toThrow(
    expect.objectContaining({
      code: "ERR_FINETAG_ABORTED",
      message: "data.csv: stopped by the caller",
      cause: "enough",
    }),
  );
});

it.each([
  ["batchsize", "batchSize"],
  ["bacthSize", "batchSize"],
  ["seeed", "seed"],
  ["dve", undefined],
  ["devx", "dev"],
  ["x", undefined],
  ["", undefined],
  ["something else", undefined],
])("%j is near %j", (name, meant) => {
  expect(nearest(name, ["batchSize", "seed", "dev", "e"])).toBe(meant);
});

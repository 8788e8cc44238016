import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseOptions } from "../../src/options/parse.ts";
import { trainOptionsSchema } from "../../src/options/schema.ts";

const required = { model: "m", outputDir: "o" };

describe("training options", () => {
  it("have Hugging Face Trainer's defaults where it has one", () => {
    expect(parseOptions(trainOptionsSchema, { ...required, dev: undefined })).toMatchObject({
      epochs: 3,
      learningRate: 5e-5,
      maxGradNorm: 1,
      seed: 42,
      adamEpsilon: 1e-8,
    });
  });

  it.each([
    [{}, "`model` is missing"],
    [{ ...required, batchSize: 0 }, "`batchSize`: must be greater than 0"],
    [{ ...required, maxLength: 7.5 }, "`maxLength`: must be a whole number"],
    [{ ...required, maxLength: 2 }, "`maxLength`: must be at least 3"],
    [{ ...required, dropout: 1 }, "`dropout`: must be "],
    [{ ...required, seed: "x" }, "`seed`: must be a "],
    [{ ...required, header: 1 }, "`header`: must be true or false"],
    [{ ...required, model: "" }, "`model`: must not be empty"],
    [{ ...required, devSplit: 1 }, "`devSplit`: must be less than 1"],
    [{ ...required, columns: ["a", ""] }, "`columns` (at 1): "],
    [{ ...required, loss: "hinge" }, "`loss`: must be "],
    [{ ...required, batchsize: 3 }, "`batchsize` is not an option; did you mean `batchSize`?"],
    [{ ...required, frobnicate: 3 }, "`frobnicate` is not an option"],
    [{ ...required, device: "gpu" }, "`device`: must be auto, cpu, cuda or cuda:N"],
    [{ ...required, train: "a\0b" }, "`train`: a path cannot contain a null character"],
    [{ ...required, outputDir: "a\0b" }, "`outputDir`: a path cannot contain a null character"],
    [undefined, "the options must be an object"],
  ])("refuse %j", (options, message) => {
    expect(() => parseOptions(trainOptionsSchema, options)).toThrow(message);
  });

  it("are described by a JSON Schema", () => {
    const schema = z.toJSONSchema(trainOptionsSchema, { io: "input" });
    expect(schema).toMatchObject({
      type: "object",
      additionalProperties: false,
      required: ["model", "outputDir"],
    });
  });
});

import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { lossConfig, lossTitle, savedLossConfig, trainOptionsSchema } from "../../src/options/index.ts";
import { declareLosses, type LossSpec, lossConfigOf, losses } from "../../src/options/loss.ts";
import { shapeOf } from "../../src/options/option.ts";

it("the loss is binary cross-entropy unless another is asked for", () => {
  const options = trainOptionsSchema.parse({ model: "m", outputDir: "o" });
  expect(lossConfig(options)).toEqual({ type: "bce_with_logits" });
  expect(lossTitle(undefined)).toBe("binary cross-entropy per label");
});

it("a saved model's loss is the one it was trained with, and of an older model binary cross-entropy", () => {
  expect(savedLossConfig({ loss: "bce_with_logits", epochs: 3 }, "/m")).toEqual({ type: "bce_with_logits" });
  expect(savedLossConfig({}, "/m")).toEqual({ type: "bce_with_logits" });
  expect(() => savedLossConfig({ loss: "dice" }, "/m")).toThrow(
    '/m/finetag.json: "arguments" has the loss "dice", which this version of finetag does not know; ' +
      "evaluate the model with the version that trained it",
  );
});

/** As a loss with parameters of its own would be entered. */
const table = {
  bce_with_logits: losses.bce_with_logits,
  focal: {
    title: "focal loss",
    options: {
      focalGamma: {
        type: z.number().nonnegative().default(2),
        description: "gamma of the focal loss",
        usedBy: ["loss"],
        availableIn: ["Classifier.train"],
        card: "gamma",
      },
    },
    config: ({ focalGamma }: { focalGamma: number }) => ({ type: "focal" as const, gamma: focalGamma }),
  },
} as const satisfies Record<string, LossSpec>;

describe("another loss is one entry", () => {
  const declared = declareLosses(table);
  const schema = z.strictObject(shapeOf(declared));

  it("that brings its options, with their types and help", () => {
    expect(Object.keys(declared)).toEqual(["loss", "focalGamma"]);
    expectTypeOf<z.output<typeof schema>>().toEqualTypeOf<{
      loss: "bce_with_logits" | "focal";
      focalGamma: number;
    }>();
    expect(declared.focalGamma.type.meta()).toEqual({
      description: "gamma of the focal loss",
      heading: "Training",
    });
    expect(declared.loss.type.meta()?.description).toContain("focal (focal loss)");
  });

  it("and tells the engine its parameters", () => {
    expect(lossConfigOf(table, schema.parse({}))).toEqual({ type: "bce_with_logits" });
    expect(lossConfigOf(table, schema.parse({ loss: "focal", focalGamma: 3 }))).toEqual({
      type: "focal",
      gamma: 3,
    });
  });
});

import { expect, test } from "vitest";
import { type Prediction, predictionToJson } from "../../src/classifier/index.ts";

const prediction: Prediction = {
  probabilities: { kind: 1 / 3, "not, so": 1e-17 },
  labels: ["kind"],
  textPair: "b",
  text: "a",
  id: "7",
};

test("a prediction's JSON has its keys in one order, whatever order the prediction has", () => {
  expect(JSON.stringify(predictionToJson(prediction))).toBe(
    '{"id":"7","text":"a","text_pair":"b","labels":["kind"],"probabilities":{"kind":0.3333333333333333,"not, so":1e-17}}',
  );
});

test("a prediction's JSON has neither id nor pair where the input had none", () => {
  const { id: _id, textPair: _pair, ...bare } = prediction;
  expect(JSON.stringify(predictionToJson({ ...bare, labels: [] }))).toBe(
    '{"text":"a","labels":[],"probabilities":{"kind":0.3333333333333333,"not, so":1e-17}}',
  );
});

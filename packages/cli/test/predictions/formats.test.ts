import { expect, test } from "vitest";
import { formatFloat32 } from "../../src/predictions/float32.ts";
import { createFormat, outputFormat } from "../../src/predictions/formats.ts";

const prediction = {
  id: "7,a",
  text: 'say "hi",\nnow',
  labels: ["kind"],
  probabilities: { kind: 0.9, "not, so": 0.00001 },
};
const labels = ["kind", "not, so"];

test("the extension decides unless a format is given", () => {
  expect(outputFormat(undefined, "a/b.CSV")).toBe("csv");
  expect(outputFormat(undefined, "test_results.tsv")).toBe("tsv");
  expect(outputFormat(undefined, "out.jsonl")).toBe("jsonl");
  expect(outputFormat(undefined, undefined)).toBe("jsonl");
  expect(outputFormat("csv", "x.tsv")).toBe("csv");
  expect(outputFormat("csv", "x.dat")).toBe("csv");
  expect(() => outputFormat(undefined, "x.xlsx")).toThrow(
    "--output x.xlsx: the extension .xlsx implies no format; set --output-format to jsonl, csv, tsv",
  );
});

test("JSON lines hold full precision", () => {
  const format = createFormat("jsonl", labels, false);
  const exact = { ...prediction, probabilities: { kind: 1 / 3, "not, so": 1e-17 } };
  expect(format.header()).toBe("");
  expect(format.line(exact, 1)).toBe(
    '{"id":"7,a","text":"say \\"hi\\",\\nnow","labels":["kind"],"probabilities":{"kind":0.3333333333333333,"not, so":1e-17}}\n',
  );
  const { id: _id, ...withoutId } = exact;
  expect(JSON.parse(format.line({ ...withoutId, textPair: "b" }, 1))).toEqual({
    text: exact.text,
    text_pair: "b",
    labels: ["kind"],
    probabilities: exact.probabilities,
  });
});

test("CSV is quoted as RFC 4180 says", () => {
  const format = createFormat("csv", labels, false);
  expect(format.header()).toBe('id,text,labels,kind,"not, so"\n');
  expect(format.line(prediction, 1)).toBe('"7,a","say ""hi"",\nnow","[""kind""]",0.9,0.00001\n');
  const pairs = createFormat("csv", ["a", "b"], true);
  expect(pairs.header()).toBe("id,text,text_pair,labels,a,b\n");
  const given = { text: "x", textPair: "y", labels: ["a", "b"], probabilities: { a: 1, b: 0.75 } };
  expect(pairs.line(given, 1)).toBe(',x,y,"a,b",1,0.75\n');
  expect(pairs.line({ ...given, labels: [] }, 2)).toBe(",x,y,,1,0.75\n");
});

test("test_results.tsv is what the TensorFlow 1 tool writes", () => {
  const format = createFormat("tsv", ["a", "b", "c"], false);
  const given = { text: "x", labels: [], probabilities: { a: 0.98765432, b: 1e-5, c: 1 } };
  expect(format.header()).toBe("");
  expect(format.line({ ...given, id: "0000997932d777bf" }, 1)).toBe("0000997932d777bf,0.9876543,1e-05,1.0\n");
  expect(format.line(given, 12)).toBe("12,0.9876543,1e-05,1.0\n");
});

// Printed by str(numpy.float32(x)) of numpy 2: the fewest digits, scientific below 1e-4.
test.each([
  [0, "0.0"],
  [1, "1.0"],
  [0.5, "0.5"],
  [0.0001, "1e-04"],
  [0.00012, "0.00012"],
  [0.0000999, "9.99e-05"],
  [0.000015, "1.5e-05"],
  [1 / 3, "0.33333334"],
  [0.99999994, "0.99999994"],
  [1.2345678e-10, "1.2345679e-10"],
  [0.000123456, "0.000123456"],
])("%d is printed as %s", (value, text) => {
  expect(formatFloat32(value)).toBe(text);
});

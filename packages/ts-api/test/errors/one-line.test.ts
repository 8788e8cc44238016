import { expect, it } from "vitest";
import { oneLine } from "../../src/errors/index.ts";

it.each([
  ["as it is", "as it is"],
  [" two\r\n  lines\n", "two lines"],
  ["a\tb\u2028c\u0085d", "a b c d"],
  ["\u001b[31mred\u001b[0m\0", "[31mred [0m"],
  ["中文 é", "中文 é"],
  ["\n", ""],
])("%j becomes %j", (said, line) => {
  expect(oneLine(said)).toBe(line);
});

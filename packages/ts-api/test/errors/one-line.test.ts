import { expect, it } from "vitest";
import { FinetagError, oneLine, visible } from "../../src/errors/index.ts";

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

it.each([
  ["as it is, 中文 é", "as it is, 中文 é"],
  ["red\u001b[31m\nline\ttab\u0085\u2028", "red\\u001b[31m\\u000aline\\u0009tab\\u0085\\u2028"],
])("%j is shown as %j", (text, shown) => {
  expect(visible(text)).toBe(shown);
  expect(new FinetagError("ERR_FINETAG_MODEL", text).message).toBe(shown);
});

it.each(["x", "\u001b"])("a message of a million %j keeps its beginning and its end", (character) => {
  const message = `config.json: the tensor ${character.repeat(1e6)} is missing; fetch the model again`;
  const shown = new FinetagError("ERR_FINETAG_MODEL", message).message;
  expect(shown).toMatch(/^config\.json: the tensor .* … .* is missing; fetch the model again$/);
  expect(shown.length).toBe(2000);
});

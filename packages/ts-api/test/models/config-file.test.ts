import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readConfigFile } from "../../src/models/config-file.ts";
import { folder as dir, folderForEach } from "../folder.ts";

folderForEach();

const write = (name: string, json: unknown) => writeFile(join(dir, name), JSON.stringify(json));

const BERT = { hidden_size: 4, type_vocab_size: 2, hidden_act: "gelu" };
const ALBERT = { hidden_size: 4, embedding_size: 2, num_hidden_groups: 1, hidden_act: "gelu" };

it.each<[string, object, object]>([
  ["bert_config.json", BERT, BERT],
  ["bert_config_rbt3.json", BERT, BERT],
  ["macbert_large_config.json", BERT, BERT],
  ["albert_config.json", ALBERT, { ...ALBERT, hidden_act: "gelu_new" }],
  ["albert_config_tiny.json", { ...ALBERT, hidden_act: "relu" }, { ...ALBERT, hidden_act: "relu" }],
  ["config.json", ALBERT, ALBERT],
])("%s with %j", async (name, json, expected) => {
  await write(name, json);
  await write("tokenizer_config.json", {});
  await write("sentence_bert_config.json", {});
  expect(await readConfigFile(dir)).toEqual({ path: join(dir, name), json: expected });
});

it("takes config.json before others", async () => {
  await write("bert_config.json", BERT);
  await write("sentence_bert_config.json", {});
  await write("config.json", { model_type: "bert" });
  expect(await readConfigFile(dir)).toEqual({ path: join(dir, "config.json"), json: { model_type: "bert" } });
});

it("does not choose among several", async () => {
  await write("albert_config_tiny.json", ALBERT);
  await write("albert_config_base.json", ALBERT);
  await expect(readConfigFile(dir)).rejects.toMatchObject({
    code: "ERR_FINETAG_MODEL",
    message: `${dir}: has albert_config_base.json, albert_config_tiny.json and no config.json; keep only the one that belongs to the weights`,
  });
});

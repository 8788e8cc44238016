// Cuts a text into tokens, and shows which of them make a word.
//
//   npx tsc -p examples && node examples/dist/words.js bert-base-chinese 我们在北京大学读书

import { openTokenizer } from "@finetag/api";

const [model = "bert-base-chinese", text = "我们在北京大学读书"] = process.argv.slice(2);
const tokenizer = await openTokenizer(model);
const { ids, words } = await tokenizer.encodeWords([text], undefined, 128);
for (const [i, id] of ids.entries()) {
  console.log(words[i] === -1 ? `${id} is a special token` : `${id} is of word ${words[i]}`);
}

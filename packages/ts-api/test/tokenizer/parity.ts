import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseModelConfig } from "../../src/models/config.ts";
import type { ModelConfig } from "../../src/models/index.ts";
import { type EncodedTexts, loadTokenizer, type Tokenizer } from "../../src/tokenizer/index.ts";

/** test/parity/tokens/, whose generate.py makes golden/. */
export const PARITY = fileURLToPath(new URL("../../../../test/parity/tokens", import.meta.url));
export const GOLDEN = join(PARITY, "golden");

/** Data next to the repository; absent in a plain clone. */
export const SHARED =
  process.env.FINETAG_SHARED_DATA ?? fileURLToPath(new URL("../../../../../shared/data", import.meta.url));

export const VOCABULARIES = {
  "bert-base-uncased": "bert",
  "bert-base-chinese": "bert",
  "roberta-base": "roberta",
} as const;
export type Vocabulary = keyof typeof VOCABULARIES;

export interface Case {
  ids: number[];
  types?: number[];
}

export interface Cases {
  names: string[];
  texts: (string | [string, string])[];
  lengths: number[];
}

export async function readGolden<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(GOLDEN, name), "utf8"));
}

export function configOf(name: Vocabulary, vocabSize = 60_000): ModelConfig {
  const json = { model_type: VOCABULARIES[name], vocab_size: vocabSize, max_position_embeddings: 514 };
  return parseModelConfig(json, "config.json");
}

/** Runs `use` with a copy of a folder and some more JSON files. */
export async function withFolder<T>(
  source: string | undefined,
  files: Record<string, unknown>,
  use: (dir: string) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "finetag-tokenizer-"));
  try {
    if (source !== undefined) await cp(source, dir, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(dir, name), typeof content === "string" ? content : JSON.stringify(content));
    }
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** All cases in one call, pairs and single texts mixed. */
export function encodeCases(tokenizer: Tokenizer, { texts }: Cases, length: number): Promise<EncodedTexts> {
  return tokenizer.encode(
    texts.map((text) => (typeof text === "string" ? text : text[0])),
    texts.map((text) => (typeof text === "string" ? undefined : text[1])),
    length,
  );
}

export function textOf(encoded: EncodedTexts, i: number): { ids: number[]; types: number[] } {
  const [start, end] = [encoded.cuSeqlens[i], encoded.cuSeqlens[i + 1]];
  return { ids: [...encoded.ids.subarray(start, end)], types: [...encoded.tokenTypes.subarray(start, end)] };
}

/** Names of the cases whose ids, or types where transformers gives some, differ from transformers'. */
export function differences(encoded: EncodedTexts, cases: Cases, golden: Case[]): string[] {
  return cases.names.filter((_, i) => {
    const { ids, types } = textOf(encoded, i);
    const expected = golden[i]!;
    return ids.join() !== expected.ids.join() || (expected.types ?? types).join() !== types.join();
  });
}

/** As `stream_hash` of generate.py. */
export function streamHash(encoded: EncodedTexts): string {
  const hash = createHash("sha256");
  const end = Buffer.from(Int32Array.of(-1).buffer);
  for (let i = 0; i + 1 < encoded.cuSeqlens.length; i++) {
    hash.update(
      Uint8Array.from(Buffer.from(encoded.ids.slice(encoded.cuSeqlens[i], encoded.cuSeqlens[i + 1]).buffer)),
    );
    hash.update(end);
  }
  return hash.digest("hex");
}

/** A Python with transformers, or undefined with a printed reason. */
export function peerPython(): string | undefined {
  const python = process.env.FINETAG_PEER_PYTHON;
  if (python !== undefined && existsSync(python)) return python;
  console.log("skipped: FINETAG_PEER_PYTHON does not name a Python with transformers 5.18.0");
  return undefined;
}

export { loadTokenizer };
